/** Places of the names of points in a plot, so that none lies on another or on a point. */

/** A named point, in pixels from the upper left corner of the frame. */
export interface NamedPoint {
  readonly x: number;
  readonly y: number;
  readonly name: string;
}

/** Of the name, relative to its point, in pixels; `anchor` is the end of the text that stands there. */
export interface LabelPlace {
  readonly dx: number;
  readonly dy: number;
  readonly anchor: 'start' | 'middle' | 'end';
}

/** About the width of a character, the height of a line, and half the size of a point. */
const CHARACTER_WIDTH = 6.2;
const LINE_HEIGHT = 12;
const POINT_RADIUS = 5;

/** In the order of preference: beside, then above and below. */
const PLACES: readonly LabelPlace[] = [
  { dx: 9, dy: 0, anchor: 'start' },
  { dx: -9, dy: 0, anchor: 'end' },
  { dx: 0, dy: -12, anchor: 'middle' },
  { dx: 0, dy: 13, anchor: 'middle' },
  { dx: 8, dy: -11, anchor: 'start' },
  { dx: -8, dy: -11, anchor: 'end' },
  { dx: 8, dy: -23, anchor: 'start' },
  { dx: -8, dy: -23, anchor: 'end' },
  { dx: 0, dy: -35, anchor: 'middle' },
];

type Box = readonly [left: number, top: number, right: number, bottom: number];

/**
 * @param width, height Of the frame.
 * @returns A place for each name; undefined where it has no room. O(points²).
 */
export function labelPlaces(
  points: readonly NamedPoint[],
  width: number,
  height: number,
): (LabelPlace | undefined)[] {
  const taken = points.map(({ x, y }): Box => around(x, y, POINT_RADIUS, POINT_RADIUS));
  return points.map(({ x, y, name }, own) => {
    const length = CHARACTER_WIDTH * name.length;
    for (const place of PLACES) {
      const from =
        x + place.dx - (place.anchor === 'start' ? 0 : place.anchor === 'end' ? length : length / 2);
      const middle = y + place.dy;
      const box: Box = [from, middle - LINE_HEIGHT / 2, from + length, middle + LINE_HEIGHT / 2];
      const isInside = box[0] >= 0 && box[2] <= width && box[1] >= 0 && box[3] <= height;
      if (!isInside || taken.some((other, i) => i !== own && overlap(box, other))) continue;
      taken.push(box);
      return place;
    }
    return undefined;
  });
}

function around(x: number, y: number, halfWidth: number, halfHeight: number): Box {
  return [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
}

function overlap(a: Box, b: Box): boolean {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}
