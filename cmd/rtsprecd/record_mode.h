/*
 * The configuration's `mode`: when a camera records.
 */
#ifndef RTSPRECD_RECORD_MODE_H
#define RTSPRECD_RECORD_MODE_H

enum record_mode {
    RECORD_MODE_ALWAYS,
    RECORD_MODE_NEVER,
    RECORD_MODE_PERIOD, /* on a schedule; its syntax is checked, nothing follows it yet */
    RECORD_MODE_AUTO,   /* on motion; nothing follows it yet */
    RECORD_MODE_UNKNOWN,
    RECORD_MODE_BAD_PERIOD, /* "period:" with something behind it that is no schedule */
};

/*
 * period:[DAYS ]START-END[,[DAYS ]START-END...]; START, END: HH or HH:MM, 24 only as an END; an END
 * before its START is on the next day; DAYS: mon or mon-fri.
 */
enum record_mode record_mode_parse(const char *text);

#endif
