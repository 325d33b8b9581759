/*
 * How Debian configures strongSwan, as far as its headers ask. Included before everything else
 * (-include). ME is the one define that changes the layout of objects; sizes are asserted in charon_types.h.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef CONFIG_H_INCLUDED
#define CONFIG_H_INCLUDED

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#define ME
#define USE_IKEV1
#define USE_IKEV2
#define HAVE_PRINTF_SPECIFIER
#define HAVE_EXPLICIT_BZERO
#define HAVE_GCC_SYNC_OPERATIONS
#define HAVE_QSORT_R
#define HAVE_QSORT_R_GNU
#define HAVE_CLOSEFROM
#define HAVE_MEMRCHR
#define HAVE_FMEMOPEN
#define HAVE_STDBOOL_H
#define HAVE__BOOL
#define HAVE_STDINT_H
#define HAVE_SYS_PARAM_H
#define HAVE_STRERROR_R
#define HAVE_SIGWAITINFO

/* what is built for; the plugin refuses to be loaded into another version */
#if HASYNC_STRONGSWAN_MAJOR >= 6
#define VERSION "6.1.0"
#define TESTABLE_KE /* by --enable-test-vectors; changes the layout of key exchanges */
#else
#define VERSION "5.9.8"
#endif

#endif
