/**
 * What a fault scenario is, and how one is run.
 */
import { Stage, type StageOptions } from './stage.ts';

/** What a scenario found. */
export interface ScenarioResult {
  readonly name: string;
  readonly seconds: number;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly facts: Readonly<Record<string, string | number>>;
  /** What must not happen and did; empty: passed. */
  readonly violations: readonly string[];
}

/** Facts of a run, for the table. */
export type Facts = Record<string, string | number>;

/** A fault, with parameters for the short and the full form. */
export interface Scenario<Parameters extends object> {
  readonly name: string;
  /** One line for people. */
  readonly what: string;
  readonly short: Parameters;
  readonly full: Parameters;
  readonly stage?: StageOptions;
  play(stage: Stage, parameters: Parameters, facts: Facts): Promise<void>;
}

/** Runs a scenario on a stage of its own. @param enforce With `economy.mode: enforce`. */
export async function playScenario<Parameters extends object>(
  scenario: Scenario<Parameters>,
  full: boolean,
  enforce = false,
): Promise<ScenarioResult> {
  const parameters = full ? scenario.full : scenario.short;
  const facts: Facts = {};
  const began = performance.now();
  const stage = await Stage.set({ ...scenario.stage, enforce });
  try {
    await scenario.play(stage, parameters, facts);
  } catch (error) {
    stage.auditor.violations.push(`the scenario failed: ${(error as Error).stack ?? String(error)}`);
  } finally {
    await stage.strike();
  }
  facts.bindings = stage.auditor.bindings.length;
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const violations = [...stage.auditor.violations, ...stage.complaints];
  return {
    name: scenario.name,
    seconds,
    parameters: { ...parameters } as Record<string, unknown>,
    facts,
    violations,
  };
}

/** @returns A number with one digit behind the point. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
