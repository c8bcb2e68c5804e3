/**
 * Policies from the command line. They are loaded in the drivers' room, because worker threads load them too.
 */
export { loadPolicy } from '../drivers/embedded/load-policy.ts';
