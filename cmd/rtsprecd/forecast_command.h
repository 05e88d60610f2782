/*
 * rtsprecd forecast: says for how long archives hold what, and when which limit bites.
 */
#ifndef RTSPRECD_FORECAST_COMMAND_H
#define RTSPRECD_FORECAST_COMMAND_H

int forecast_command_run(int argc, char **argv);

#endif
