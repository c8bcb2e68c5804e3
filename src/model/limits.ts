/** Bounds of tables whose indices are packed with others into one number; an index beyond them is refused. */

/** Most different demands of a run with many zones: with the sizes of a line of waiting jobs an id is packed into 53 bits. */
export const DEMANDS_MAX: number = 2 ** 19;

/** Most spread groups of one table; a node and a group are packed into one number. */
export const SPREAD_GROUPS_MAX: number = 2 ** 20;

/** Most tenants at one time; a job's tenant is packed into one number with its state. */
export const TENANTS_MAX: number = 2 ** 20;
