/*
 * The threads read the real clock, so the tests wait for what happens: fdatasync() is wrapped,
 * tells that it was called, and can be made to fail or to wait.
 */
#include "directory.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <time.h>

#include "base/clock.h"
#include "segment/durable.h"

#define MS INT64_C(1000)

struct call {
    int fd;
    int64_t at_us;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct call calls[256];
static int call_count, waiting_count;
static int failing_fd, blocked_fd; /* -1: none */

int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd)
{
    pthread_mutex_lock(&lock);
    if (call_count < (int)LENGTH(calls))
        calls[call_count++] = (struct call){fd, clock_monotonic_us()};
    bool fails = fd == failing_fd;
    waiting_count++;
    pthread_cond_broadcast(&changed);
    while (fd == blocked_fd)
        pthread_cond_wait(&changed, &lock);
    waiting_count--;
    pthread_mutex_unlock(&lock);
    errno = EIO;
    return fails ? -1 : 0;
}

static int count_of(int fd)
{
    int count = 0;
    for (int i = 0; i < call_count; i++)
        count += calls[i].fd == fd;
    return count;
}

/* Waits until a file was synced so often; returns when the last time was. The test's own time limit
 * ends a wait that has no end. */
static int64_t wait_for(int fd, int count)
{
    pthread_mutex_lock(&lock);
    while (count_of(fd) < count)
        pthread_cond_wait(&changed, &lock);
    int64_t at_us = 0;
    for (int i = 0, n = 0; i < call_count && n < count; i++) {
        if (calls[i].fd == fd && ++n == count)
            at_us = calls[i].at_us;
    }
    pthread_mutex_unlock(&lock);
    return at_us;
}

static int count_now(int fd)
{
    pthread_mutex_lock(&lock);
    int count = count_of(fd);
    pthread_mutex_unlock(&lock);
    return count;
}

static void set_fd(int *which, int fd)
{
    pthread_mutex_lock(&lock);
    *which = fd;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int thread_count_now(void)
{
    char line[128];
    int count = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof(line), file))
        sscanf(line, "Threads: %d", &count);
    fclose(file);
    return count;
}

/* A joined thread leaves /proc a moment later: waits until there are as few, 5 s at most. */
static int thread_count(int expected)
{
    for (int i = 0; i < 5000 && thread_count_now() > expected; i++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    return thread_count_now();
}

static void *nothing(void *argument)
{
    return argument;
}

/* How many threads there are now, those of a sanitizer, which come with the first, among them. */
static int thread_count_before(void)
{
    pthread_t thread;
    int before = thread_count_now();
    assert_int_equal(pthread_create(&thread, NULL, nothing, NULL), 0);
    pthread_join(thread, NULL);
    return thread_count(before);
}

/* An open file that is taken care of. */
struct kept {
    int fd;
    struct durable_file *file;
};

static void keep(struct kept *kept, struct durable *durable, const char *path, int64_t interval_us)
{
    struct rtsprec_error error = {0};
    kept->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(kept->fd >= 0);
    require(durable_add(&kept->file, durable, kept->fd, interval_us, &error) == 0, "%s",
            error.text);
}

static void let_go(struct kept *kept)
{
    durable_remove(&kept->file);
    assert_null(kept->file);
    close(kept->fd);
}

static int begin(void **state)
{
    call_count = 0;
    failing_fd = blocked_fd = -1;
    return directory_create(state);
}

static struct durable *create(void)
{
    struct durable *durable;
    struct rtsprec_error error = {0};
    require(durable_create(&durable, &error) == 0, "%s", error.text);
    return durable;
}

static void test_nothing_written_nothing_synced(void **state)
{
    int before = thread_count_before();
    struct durable *durable = create();
    struct kept one, two;
    keep(&one, durable, path_in(*state, "one"), 0);
    keep(&two, durable, path_in(*state, "two"), 0);
    assert_int_equal(thread_count(before + 1), before + 1); /* one for the file system */
    durable_written(one.file, 1);
    wait_for(one.fd, 1);
    assert_int_equal(count_now(two.fd), 0);
    assert_int_equal(durable_error(one.file), 0);
    let_go(&one);
    let_go(&two);
    durable_destroy(&durable);
    assert_null(durable);
    assert_int_equal(thread_count(before), before);
    durable_destroy(&durable); /* NULL is ignored */
    durable_remove(&two.file);
}

/* One commit of the journal serves all: what is dirty is synced in the round of the first. */
static void test_one_round_for_all(void **state)
{
    struct durable *durable = create();
    struct kept soon, later, clean;
    keep(&soon, durable, path_in(*state, "soon"), 20 * MS);
    keep(&later, durable, path_in(*state, "later"), HOUR);
    keep(&clean, durable, path_in(*state, "clean"), 0);
    durable_written(later.file, 1);
    durable_written(soon.file, 1);
    wait_for(soon.fd, 1);
    wait_for(later.fd, 1);
    assert_int_equal(count_now(clean.fd), 0);
    let_go(&soon);
    let_go(&later);
    let_go(&clean);
    durable_destroy(&durable);
}

/* Not before it is due; and by then, as far as a loaded machine lets one say. */
static void test_the_interval(void **state)
{
    struct durable *durable = create();
    struct kept kept;
    keep(&kept, durable, path_in(*state, "file"), 50 * MS);
    int64_t last_us = 0;
    for (int i = 1; i <= 5; i++) {
        int64_t written_us = clock_monotonic_us();
        durable_written(kept.file, i);
        durable_written(kept.file, i); /* does not put it off */
        int64_t synced_us = wait_for(kept.fd, i);
        require(synced_us - written_us >= 50 * MS, "%lld us", (long long)(synced_us - written_us));
        require(synced_us - written_us < 5 * SECOND, "%lld us",
                (long long)(synced_us - written_us));
        assert_true(synced_us > last_us);
        last_us = synced_us;
    }
    let_go(&kept);
    durable_destroy(&durable);
}

/* An earlier date than the one the thread sleeps for wakes it. */
static void test_an_earlier_date(void **state)
{
    struct durable *durable = create();
    struct kept slow, fast;
    keep(&slow, durable, path_in(*state, "slow"), HOUR);
    keep(&fast, durable, path_in(*state, "fast"), 0);
    durable_written(slow.file, 1);
    durable_written(fast.file, 1);
    wait_for(fast.fd, 1);
    wait_for(slow.fd, 1);
    let_go(&slow);
    let_go(&fast);
    durable_destroy(&durable);
}

/* Waits until a failure is told; the sync is over a moment after it was called. */
static void wait_for_error(struct kept *kept, int error)
{
    while (durable_error(kept->file) == 0)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    assert_int_equal(durable_error(kept->file), error);
}

static void test_a_failure_is_told_and_not_retried(void **state)
{
    struct durable *durable = create();
    struct kept sick, healthy;
    keep(&sick, durable, path_in(*state, "sick"), 0);
    keep(&healthy, durable, path_in(*state, "healthy"), 0);
    set_fd(&failing_fd, sick.fd);
    durable_written(sick.file, 1);
    wait_for_error(&sick, -EIO);
    set_fd(&failing_fd, -1); /* the kernel would claim success now */
    for (int i = 1; i <= 5; i++) {
        durable_written(sick.file, 1 + i);
        durable_written(healthy.file, i);
        wait_for(healthy.fd, i);
    }
    assert_int_equal(count_now(sick.fd), 1);
    assert_int_equal(durable_error(sick.file), -EIO); /* and stays */
    assert_int_equal(durable_error(healthy.file), 0);
    let_go(&sick);
    let_go(&healthy);
    durable_destroy(&durable);
}

static void *remove_file(void *argument)
{
    durable_remove(&((struct kept *)argument)->file);
    return NULL;
}

/* The descriptor stays the caller's: it must not be closed under a sync. */
static void test_remove_waits_for_the_round(void **state)
{
    struct durable *durable = create();
    struct kept kept;
    pthread_t thread;
    keep(&kept, durable, path_in(*state, "file"), 0);
    set_fd(&blocked_fd, kept.fd);
    durable_written(kept.file, 1);
    wait_for(kept.fd, 1);
    assert_int_equal(pthread_create(&thread, NULL, remove_file, &kept), 0);
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 50000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    assert_int_equal(pthread_timedjoin_np(thread, NULL, &until), ETIMEDOUT);
    set_fd(&blocked_fd, -1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(waiting_count, 0);
    let_go(&kept);
    durable_destroy(&durable);
}

/* Writers never wait for a disk that hangs, and what is written meanwhile is synced after it. */
static void test_written_during_a_round(void **state)
{
    struct durable *durable = create();
    struct kept kept, other;
    keep(&kept, durable, path_in(*state, "file"), 0);
    keep(&other, durable, path_in(*state, "other"), 0);
    set_fd(&blocked_fd, kept.fd);
    durable_written(kept.file, 1);
    wait_for(kept.fd, 1);
    for (int i = 2; i < 100; i++)
        durable_written(kept.file, i);
    durable_written(other.file, 1);
    assert_int_equal(durable_error(kept.file), 0);
    durable_remove(&other.file); /* is not being synced: no wait */
    set_fd(&blocked_fd, -1);
    wait_for(kept.fd, 2);
    assert_int_equal(count_now(other.fd), 0);
    let_go(&kept);
    close(other.fd);
    durable_destroy(&durable);
}

/* What was written and not yet due is dropped by remove(): sealing syncs by itself. */
static void test_removed_before_it_is_due(void **state)
{
    struct durable *durable = create();
    struct kept kept, other;
    keep(&kept, durable, path_in(*state, "file"), HOUR);
    durable_written(kept.file, 1);
    let_go(&kept);
    keep(&other, durable, path_in(*state, "other"), 0);
    durable_written(other.file, 1);
    wait_for(other.fd, 1);
    assert_int_equal(call_count, 1);
    let_go(&other);
    durable_destroy(&durable);
}

/* A file system that hangs delays no other. */
static void test_two_file_systems(void **state)
{
    const char *mount_point = path_in(*state, "mount");
    assert_int_equal(mkdir(mount_point, 0700), 0);
    if (mount("tmpfs", mount_point, "tmpfs", 0, "size=1m") != 0) {
        print_message("no second file system: %s\n", strerror(errno));
        skip();
    }
    int before = thread_count_before();
    struct durable *durable = create();
    struct kept hung, healthy;
    keep(&hung, durable, path_in(*state, "mount/hung"), 0);
    keep(&healthy, durable, path_in(*state, "healthy"), 0);
    assert_int_equal(thread_count(before + 2), before + 2);
    set_fd(&blocked_fd, hung.fd);
    durable_written(hung.file, 1);
    wait_for(hung.fd, 1);
    for (int i = 1; i <= 10; i++) {
        durable_written(healthy.file, i);
        wait_for(healthy.fd, i);
    }
    assert_int_equal(count_now(hung.fd), 1);
    set_fd(&blocked_fd, -1);
    let_go(&hung);
    let_go(&healthy);
    durable_destroy(&durable);
    assert_int_equal(umount(mount_point), 0);
}

#define FILES 8

static void *write_much(void *argument)
{
    struct kept *kept = argument;
    for (int i = 0; i < 2000; i++) {
        durable_written(kept->file, i);
        assert_int_equal(durable_error(kept->file), 0);
    }
    return NULL;
}

/* Mostly for ThreadSanitizer. */
static void test_many_threads(void **state)
{
    struct durable *durable = create();
    for (int round = 0; round < 5; round++) {
        struct kept kept[FILES];
        pthread_t threads[FILES];
        for (int i = 0; i < FILES; i++) {
            char name[16];
            snprintf(name, sizeof(name), "%d", i);
            keep(&kept[i], durable, path_in(*state, name), i * MS);
            assert_int_equal(pthread_create(&threads[i], NULL, write_much, &kept[i]), 0);
        }
        for (int i = 0; i < FILES; i++) {
            pthread_join(threads[i], NULL);
            let_go(&kept[i]);
        }
    }
    durable_destroy(&durable);
}

static void test_no_file(void **state)
{
    (void)state;
    struct durable *durable = create();
    struct durable_file *file = (void *)1;
    struct rtsprec_error error;
    assert_int_equal(durable_add(&file, durable, -1, 0, &error), RTSPREC_ERROR_IO);
    assert_null(file);
    durable_destroy(&durable);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_nothing_written_nothing_synced),
        CASE(test_one_round_for_all),
        CASE(test_the_interval),
        CASE(test_an_earlier_date),
        CASE(test_a_failure_is_told_and_not_retried),
        CASE(test_remove_waits_for_the_round),
        CASE(test_written_during_a_round),
        CASE(test_removed_before_it_is_due),
        CASE(test_two_file_systems),
        CASE(test_many_threads),
        CASE(test_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
