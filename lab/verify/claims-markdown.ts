/** The page docs/results/claims.md: the claims, the measurements, and the conclusions that must not be drawn. */
import { type Check, type ClaimResult, numberText, thresholdText } from '../claims/claim.ts';

const INTRODUCTION = `<!-- Written by: bin/teg verify --print-page > docs/results/claims.md -->

# Claims and their tests

Written by \`bin/teg verify --print-page\`. Every claim below has a test with a threshold, and at least
one **negative control**: the same measurement on an object that must fail. A test whose control passed would prove
nothing; \`teg verify\` then fails as if the claim did. The thresholds were set by the design; where measuring led to
another one, or to a narrower condition, the notes say so, with both figures.

    bin/teg verify                 # all of them, about a minute on one core
    bin/teg verify --full          # with all seeds, as on this page
    bin/teg verify T-06 T-08       # some
    bin/teg verify --json          # for programs; --json-schema prints its schema
    bin/teg verify --html FILE     # a page with plots

Everything is measured on models that are stated with each claim, with seeded random numbers: the same seed gives the same
figures. They are statements about these models, not about a cluster; what TEG does on real workloads is measured by
\`teg compare\` and \`teg bench packing\`.`;

const LEDGER = `## What may be said, and what may not

| often said | what holds here | what does not follow |
|---|---|---|
| placement converges to a Nash equilibrium | prices of marginal contribution make placement an exact potential game; moves one at a time stop in an equilibrium (T-01, T-02); the fluid step damped by the price's derivative converges on information s rounds old exactly below a known gain (T-06, T-07), and independent agents with the same rule stay within 2 % (T-08) | that a live cluster *is* in an equilibrium (jobs come and go: it follows a moving one); that an equilibrium is a global optimum; anything about job completion times; anything about jobs that all move at once on one view (T-02, T-04) |
| decisions cost O(1) | O(1) draws and about 1/((1 − churn)(1 − losers)) probes a decision, flat from 10³ to 10⁶ nodes (T-14) | O(1) in total: the table has to be kept, at O(1) messages a node and refresh; O(1) by Langevin motion: crossing a barrier takes e^{ΔA/T} (T-13) unless it jumps by the table (T-16) |
| Langevin walkers explore the field | BAOAB and Leimkuhler–Matthews sample e^{−A/T} with a bias of order h² (T-11, T-12); walkers that go on from where they were move far less (T-16) | better samples: where the class table fits in memory, one alias draw is exact and walkers are not closer after fifty steps (T-16) |
| temperature cures herding | a temperature that follows the number of concurrent deciders keeps collisions in a budget (T-15) | that a fixed temperature does: it herds too (T-09); anticipating the herd needs none (T-09) |
| dual numbers damp oscillation | they give exact slopes (T-10), and dividing by the slope makes one gain right at every load (T-06) | that the derivative alone damps: above the threshold the damped step cycles as well (T-06) |
| holographic summaries | sums of class counts, right after duplicates, reordering and loss, without false fits (T-17) | that nothing is lost: fits within (1 + e) of a demand may be missed, and a coarse lattice (e = 0.5) loses packing where jobs reach half a node (T-18) |
| a Landau phase transition dissolves deadlocks | a tax on held-idle slots with a champion (exempt, freed slots reserved for it) gets every gang of the model to its end, in at most 1.3 × the time of wound-wait (T-23), also over the zones of a federation (T-36), and costs a healthy cluster next to nothing (T-24); the governor’s step and dead band are right (T-19, T-20) and it does not cycle while its view is younger than a known age (T-22); slower and larger fluctuations warn of a slow drift (T-21) | that the tax alone suffices: without the champion, gangs that each need everything never finish (T-23); that it beats wound-wait, which is simpler and somewhat quicker; that a cluster *is* a Landau system; a warning of bursts |
| evaporation prevents inflation | balances, supply and bursts are bounded by m/κ (T-26); a balance is m/κ less usage that decays with the half-life (T-27); between Karma and max-min by the half-life (T-28) | that it is free: what costs more than m/κ is never paid for out of a balance, it has to be saved for in a reserve (T-29) |
| the market is strategy-proof | a fixed set of lies and splits gains nothing (T-30), and nobody does worse than with a partition of its own over five half-lives (T-31) | that no lie pays: others were not tried, nor coalitions |`;

/** @returns The whole page. @param seed The seed the results were measured with. */
export function claimsMarkdown(results: readonly ClaimResult[], seed: number): string {
  return [
    INTRODUCTION,
    `## Summary\n\nMeasured with seed ${seed}.\n\n${summaryTable(results)}`,
    LEDGER,
    ...results.map(claimSection),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

function summaryTable(results: readonly ClaimResult[]): string {
  const rows = results.map((result) => {
    const first = result.checks[0] as Check;
    return `| ${result.claim.test} | ${result.claim.title} | ${numberText(first.measured)} | ${thresholdText(first)} | ${claimVerdict(result)} |`;
  });
  return ['| test | claim | measured | threshold | verdict |', '|---|---|---|---|---|', ...rows].join('\n');
}

/** @returns `holds`, or the failure. */
export function claimVerdict(result: ClaimResult): string {
  if (!result.holds) return '**does not hold**';
  return result.negativeControlFails ? 'holds' : '**proves nothing: a negative control passes**';
}

/** @returns The section of one claim, without a line break at the end. */
export function claimSection(result: ClaimResult): string {
  const { claim } = result;
  return [
    `## ${claim.test} ${claim.title}`,
    claim.claim,
    `*Conditions.* ${claim.conditions}`,
    `*Not claimed.* ${claim.notClaimed}`,
    checkTable(result),
    ...(result.notes ?? [])
      .map((note) => `- ${note}`)
      .join('\n')
      .split('\n\n')
      .filter((text) => text !== ''),
  ].join('\n\n');
}

function checkTable({ checks, controls }: ClaimResult): string {
  const row = (check: Check, verdict: string): string =>
    `| ${check.what.replaceAll('|', '\\|')} | ${numberText(check.measured)} | ${thresholdText(check)} | ${verdict} |`;
  return [
    '| measured | value | threshold | |',
    '|---|---|---|---|',
    ...checks.map((check) => row(check, check.holds ? 'holds' : '**does not hold**')),
    ...controls.map((check) =>
      row(
        { ...check, what: `*control:* ${check.what}` },
        check.holds ? '**passes, but must not**' : 'fails, as it must',
      ),
    ),
  ].join('\n');
}
