/* archive_lib.c: the table of the names that are looked up; see archive_lib.h. */
#include "pipeline/archive/archive_lib.h"

#ifdef CCP_HAVE_ARCHIVE

#include <dlfcn.h>

#include "pipeline/library.h"

#define OLDEST 3006000 /* what the build asks for */

#define CALL(name) { "archive_" #name, offsetof(struct ccp_archive_lib, name) }

static const struct ccp_library_call calls[] = {
	CALL(version_number),
	CALL(read_new),
	CALL(read_free),
	CALL(read_support_format_tar),
	CALL(read_support_format_cpio),
	CALL(read_support_format_ar),
	CALL(read_support_format_zip),
	CALL(read_support_format_zip_streamable),
	CALL(read_support_format_7zip),
	CALL(read_support_format_iso9660),
	CALL(read_support_format_rar),
	CALL(read_support_format_rar5),
	CALL(read_support_format_raw),
	CALL(read_support_format_empty),
	CALL(read_support_filter_zstd),
	CALL(read_support_filter_xz),
	CALL(read_support_filter_bzip2),
	CALL(read_support_filter_lz4),
	CALL(read_support_filter_lzip),
	CALL(read_support_filter_lzma),
	CALL(read_set_callback_data),
	CALL(read_set_read_callback),
	CALL(read_set_seek_callback),
	CALL(read_set_skip_callback),
	CALL(read_open),
	CALL(read_open1),
	CALL(read_next_header),
	CALL(read_header_position),
	CALL(read_data_block),
	CALL(filter_count),
	CALL(error_string),
	CALL(set_error),
	CALL(entry_pathname),
	CALL(entry_pathname_utf8),
	CALL(entry_hardlink),
	CALL(entry_filetype),
	CALL(entry_size),
	CALL(entry_mtime),
	CALL(entry_mtime_nsec),
	CALL(entry_mtime_is_set),
	CALL(entry_is_data_encrypted),
};

int ccp_archive_load(struct ccp_archive_lib *lib, struct ccp_err *err)
{
	static const char *const names[] = { "libarchive.so.13", NULL };
	void *library = ccp_library_open(names);
	const char *missing;

	if (library == NULL)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "libarchive cannot be loaded: %s", dlerror());
	missing = ccp_library_find(library, calls, sizeof calls / sizeof calls[0], lib);
	if (missing != NULL)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "libarchive has no %s", missing);
	if (lib->version_number() < OLDEST)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "libarchive is older than 3.6");
	return 0;
}

#endif
