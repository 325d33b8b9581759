/*
 * PUT: makes an IKE_SA with its CHILD_SAs out of a context, or brings a passive copy up to date.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HASYNC_IMPORT_H_
#define HASYNC_IMPORT_H_

#include "commit.h"
#include "context_check.h"

/* The context has passed hasync_context_check. It is as the cluster has it, so what was marked in `commit` is
 * not any more. FALSE and the error: nothing has changed. */
bool hasync_import(const Hasync__Proto__Put *put, hasync_commit_t *commit, hasync_error_t *error);

#endif
