/*
 * How Debian configures strongSwan, as far as its headers ask. Included before everything else
 * (-include). ME is the one define that changes the layout of objects; sizes are asserted in charon_types.h.
 * VERSION, which the plugin wants to be loaded into, comes from the build: it is that of the headers.
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

/* what releases differ in here; in the calls: releases.h */
#if HASYNC_STRONGSWAN_MAJOR >= 6
#define TESTABLE_KE /* by --enable-test-vectors; changes the layout of key exchanges */
#define HASYNC_PEER_CFG 256
#define HASYNC_CHILD_SA 392
#else
#define HASYNC_PEER_CFG 272
#define HASYNC_CHILD_SA 336
#endif

#endif
