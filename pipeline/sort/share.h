/*
 * share.h: the same work by several threads.
 */
#ifndef CCP_PIPELINE_SORT_SHARE_H
#define CCP_PIPELINE_SORT_SHARE_H

#define CCP_SORT_THREADS 64u

/*
 * Calls work(arg) in the caller and in as many other threads as make up `threads`, at most CCP_SORT_THREADS; fewer if
 * they cannot be had. Returns when all have returned.
 */
void ccp_sort_together(unsigned threads, void (*work)(void *arg), void *arg);

#endif
