/* How often a test with random numbers tries: a few hundred times, or, with RTSPREC_CAMPAIGN in
 * the environment (./check --campaign), as often as is promised. */
#ifndef CAMPAIGN_H
#define CAMPAIGN_H

#include <stdlib.h>

static inline int campaign_size(int usual, int promised)
{
    return getenv("RTSPREC_CAMPAIGN") ? promised : usual;
}

#endif
