/* cmocka needs these headers before its own. */
#ifndef CMOCKA_API_H
#define CMOCKA_API_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
