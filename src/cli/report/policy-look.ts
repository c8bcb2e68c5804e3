/**
 * How policies are distinguished in plots: by colour, by dash and by width, so that none of the three is needed alone.
 *
 * The first policy is a broad, paler, solid line that lies beneath; the others are dashed and lie on it, so that lines that
 * coincide are all seen.
 *
 * Colours stand in the page's style sheet (`html-style.ts`), once for light and once for dark.
 */

/** Dashes by place in the list of policies; the first is solid. */
const DASHES: readonly (string | undefined)[] = [
  undefined,
  '7 4',
  '2.5 3',
  '10 3 2 3',
  '4 2',
  '14 4',
  '1 5',
  '6 2 1 2 1 2',
];

/** Number of colours; further policies use them again with another dash. */
export const COLOR_COUNT = 8;

/** The look of one policy. */
export interface PolicyLook {
  /** A CSS value. */
  readonly color: string;
  /** An SVG dash array; undefined: solid. */
  readonly dash: string | undefined;
  readonly width: number;
  /** In (0, 1]: dark dashes have to show on the line that lies beneath. */
  readonly opacity: number;
}

/** @param place Index in the list of policies that the report shows. */
export function policyLook(place: number): PolicyLook {
  return {
    color: `var(--policy-${place % COLOR_COUNT})`,
    dash: DASHES[(place + Math.floor(place / COLOR_COUNT)) % DASHES.length],
    width: place === 0 ? 6 : 2,
    opacity: place === 0 ? 0.5 : 1,
  };
}
