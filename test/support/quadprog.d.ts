/** The part of quadprog that tests use. Arrays begin at 1. */
declare module 'quadprog' {
  export function solveQP(
    quadratic: number[][],
    linear: number[],
    constraints: number[][],
    bounds: number[],
    equalities: number,
  ): {
    readonly solution: number[];
    /** Empty if the problem was solved. */
    readonly message: string;
  };
}
