/** The least that a guest can do: says what it is. */
import { readFileSync } from 'node:fs';
import { report } from './report.ts';

report('kernel', readFileSync('/proc/version', 'utf8').trim());
report('controllers', readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(' '));
report('uptime', readFileSync('/proc/uptime', 'utf8').trim());
