#include "keeper/turns.h"

#include "base/thread.h"

int turns_init(struct turns *turns)
{
    *turns = (struct turns){0};
    return wait_init(&turns->lock, &turns->changed);
}

void turns_uninit(struct turns *turns)
{
    wait_uninit(&turns->lock, &turns->changed);
}

void turn_join(struct turn *turn, struct turns *turns)
{
    *turn = (struct turn){.turns = turns};
    pthread_mutex_lock(&turns->lock);
    turn->next = turns->first;
    turns->first = turn;
    pthread_mutex_unlock(&turns->lock);
}

void turn_leave(struct turn *turn)
{
    struct turns *turns = turn->turns;
    pthread_mutex_lock(&turns->lock);
    struct turn **at = &turns->first;
    while (*at && *at != turn)
        at = &(*at)->next;
    if (*at)
        *at = turn->next;
    pthread_mutex_unlock(&turns->lock);
}

void turn_tell(struct turn *turn, dev_t device, int64_t lead_bytes)
{
    pthread_mutex_lock(&turn->turns->lock);
    turn->device = device;
    turn->lead_bytes = lead_bytes;
    pthread_mutex_unlock(&turn->turns->lock);
}

static bool is_shared(const struct turn *turn, const struct turn *other)
{
    return other != turn && turn->device != 0 && other->device == turn->device;
}

static bool has_turn(const struct turn *turn)
{
    for (const struct turn *other = turn->turns->first; other; other = other->next) {
        if (is_shared(turn, other) && other->ticket != 0 && other->ticket < turn->ticket)
            return false;
    }
    return true;
}

bool turn_begin(struct turn *turn, int64_t *others_bytes)
{
    struct turns *turns = turn->turns;
    *others_bytes = 0;
    pthread_mutex_lock(&turns->lock);
    turn->ticket = ++turns->tickets;
    while (!turn->is_stopped && !has_turn(turn))
        pthread_cond_wait(&turns->changed, &turns->lock);
    bool is_stopped = turn->is_stopped;
    if (is_stopped) {
        turn->ticket = 0;
        pthread_cond_broadcast(&turns->changed);
    }
    for (const struct turn *other = turns->first; other; other = other->next)
        *others_bytes += is_shared(turn, other) ? other->lead_bytes : 0;
    pthread_mutex_unlock(&turns->lock);
    return !is_stopped;
}

void turn_end(struct turn *turn)
{
    pthread_mutex_lock(&turn->turns->lock);
    turn->ticket = 0;
    pthread_cond_broadcast(&turn->turns->changed);
    pthread_mutex_unlock(&turn->turns->lock);
}

void turn_stop(struct turn *turn)
{
    pthread_mutex_lock(&turn->turns->lock);
    turn->is_stopped = true;
    pthread_cond_broadcast(&turn->turns->changed);
    pthread_mutex_unlock(&turn->turns->lock);
}
