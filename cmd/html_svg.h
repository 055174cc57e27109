/*
 * html_svg.h: what html.c prints of html_svg.c at the beginning of a page.
 */
#ifndef CCP_CMD_HTML_SVG_H
#define CCP_CMD_HTML_SVG_H

#include <stdio.h>

/* The patterns of all fills, in an <svg> that takes no room. */
void ccp_html_patterns(FILE *out);

#endif
