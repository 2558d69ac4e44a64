/** What JSON can say: the settings that a checkpoint keeps. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
