/* What a leak would leave behind in this process, and an address at which nobody answers. */
#ifndef PROCESS_H
#define PROCESS_H

/* Entries of a directory of /proc: "/proc/self/fd" for descriptors, "/proc/self/task" for threads.
 */
int process_count(const char *directory);

/* A joined thread leaves /proc a moment after the join: waits until `directory` has no more than
 * `limit` entries, 5 s at most, and returns how many it has. */
int process_count_settled(const char *directory, int limit);

/* An rtsp:// URL on loopback whose port is taken but not listened on, so that every connection is
 * refused at once. The descriptor that holds the port is returned; close it when done. */
int process_refusing_url(char *url, int size);

/* Starts rtspcam with a clip, twenty times as fast as real time, and puts its address into `url`.
 * It ends with this process. */
void process_start_camera(char *url, int size, const char *rtspcam, const char *clip);

/* A directory that did not exist before, in `path`. */
void process_make_directory(char *path, int size);

/* Removes it with all that is in it. */
void process_remove_directory(const char *path);

/* Sleeps; the one place where a test has nothing to wait on. */
void process_pause_ms(int milliseconds);

#endif
