/*
 * archive_lib.h: the calls of libarchive that are used, found when an archive is first looked at.
 *
 * Not linked, but loaded: for all its formats and compressions it brings some thirteen libraries along, whose
 * relocations every start of the program would pay for. (The command tar has the few objects it needs linked in.)
 */
#ifndef CCP_PIPELINE_ARCHIVE_ARCHIVE_LIB_H
#define CCP_PIPELINE_ARCHIVE_ARCHIVE_LIB_H

#include "pipeline/err.h"

#ifdef CCP_HAVE_ARCHIVE

#include <archive.h>
#include <archive_entry.h>

/* Calls have libarchive's names without "archive_". */
struct ccp_archive_lib {
	__typeof__(archive_version_number) *version_number;
	__typeof__(archive_read_new) *read_new;
	__typeof__(archive_read_free) *read_free;
	__typeof__(archive_read_support_format_tar) *read_support_format_tar;
	__typeof__(archive_read_support_format_cpio) *read_support_format_cpio;
	__typeof__(archive_read_support_format_ar) *read_support_format_ar;
	__typeof__(archive_read_support_format_zip) *read_support_format_zip;
	__typeof__(archive_read_support_format_zip_streamable) *read_support_format_zip_streamable;
	__typeof__(archive_read_support_format_7zip) *read_support_format_7zip;
	__typeof__(archive_read_support_format_iso9660) *read_support_format_iso9660;
	__typeof__(archive_read_support_format_rar) *read_support_format_rar;
	__typeof__(archive_read_support_format_rar5) *read_support_format_rar5;
	__typeof__(archive_read_support_format_raw) *read_support_format_raw;
	__typeof__(archive_read_support_format_empty) *read_support_format_empty;
	__typeof__(archive_read_support_filter_zstd) *read_support_filter_zstd;
	__typeof__(archive_read_support_filter_xz) *read_support_filter_xz;
	__typeof__(archive_read_support_filter_bzip2) *read_support_filter_bzip2;
	__typeof__(archive_read_support_filter_lz4) *read_support_filter_lz4;
	__typeof__(archive_read_support_filter_lzip) *read_support_filter_lzip;
	__typeof__(archive_read_support_filter_lzma) *read_support_filter_lzma;
	__typeof__(archive_read_set_callback_data) *read_set_callback_data;
	__typeof__(archive_read_set_read_callback) *read_set_read_callback;
	__typeof__(archive_read_set_seek_callback) *read_set_seek_callback;
	__typeof__(archive_read_set_skip_callback) *read_set_skip_callback;
	__typeof__(archive_read_open) *read_open;
	__typeof__(archive_read_open1) *read_open1;
	__typeof__(archive_read_next_header) *read_next_header;
	__typeof__(archive_read_header_position) *read_header_position;
	__typeof__(archive_read_data_block) *read_data_block;
	__typeof__(archive_filter_count) *filter_count;
	__typeof__(archive_error_string) *error_string;
	void (*set_error)(struct archive *, int, const char *, ...);
	__typeof__(archive_entry_pathname) *entry_pathname;
	__typeof__(archive_entry_pathname_utf8) *entry_pathname_utf8;
	__typeof__(archive_entry_hardlink) *entry_hardlink;
	__typeof__(archive_entry_filetype) *entry_filetype;
	__typeof__(archive_entry_size) *entry_size;
	__typeof__(archive_entry_mtime) *entry_mtime;
	__typeof__(archive_entry_mtime_nsec) *entry_mtime_nsec;
	__typeof__(archive_entry_mtime_is_set) *entry_mtime_is_set;
	__typeof__(archive_entry_is_data_encrypted) *entry_is_data_encrypted;
};

/*
 * Loads the library and finds the calls. It stays loaded.
 * Errors: -1 with CCP_E_UNSUPPORTED: it is not there, or too old. Threads: any.
 */
int ccp_archive_load(struct ccp_archive_lib *lib, struct ccp_err *err);

#endif
#endif
