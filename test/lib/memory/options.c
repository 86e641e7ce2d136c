/*
 * Linked into every program of a server that watches its memory: what ASAN_OPTIONS would say.
 *
 * A backend leaves its memory to the end of the process, and check_stack_depth() compares addresses
 * of local variables, which must therefore be on the stack.
 */
const char *__asan_default_options(void);

__attribute__((no_sanitize_address))
const char *
__asan_default_options(void)
{
	return "detect_leaks=0:detect_stack_use_after_return=0:abort_on_error=1:disable_coredump=1";
}
