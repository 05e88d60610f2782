/*
 * rtsprecd coverage [CAMERA]: what is recorded, and why the rest is missing.
 */
#ifndef RTSPRECD_COVERAGE_COMMAND_H
#define RTSPRECD_COVERAGE_COMMAND_H

int coverage_command_run(int argc, char **argv);

#endif
