//
// This source file is part of the Weir project.
// Licensed under the Apache License, Version 2.0. See LICENSE.
// SPDX-License-Identifier: Apache-2.0
//

#ifndef CWEIRSYSTEM_H
#define CWEIRSYSTEM_H

/// Limits the number of malloc arenas of glibc; does nothing elsewhere.
void weir_limit_malloc_arenas(int count);

/// Has glibc's malloc give free pages of all arenas back to the system; does nothing elsewhere.
void weir_trim_malloc(void);

/// Raises the soft limit of open files and sockets to `wanted`, as far as the hard limit allows; never lowers it.
///
/// Returns how many may be open, at most `wanted`; -1 when the system does not tell.
long weir_raise_descriptor_limit(long wanted);

#endif
