/*
 * The configuration's `timeZone`: a name of the zone database, "Europe/Berlin".
 */
#ifndef RTSPRECD_TIME_ZONE_H
#define RTSPRECD_TIME_ZONE_H

/* What is wrong with a name, ", expected what" included; a constant string. NULL: this system knows
 * it. */
const char *time_zone_problem(const char *name);

/* From now on it is the zone of the process. To be called before there is a second thread. */
void time_zone_use(const char *name);

#endif
