/** Measurements of the page's colours: contrast against the paper, and distance of policies for every kind of sight. */
import { describe, expect, test } from 'vitest';
import { STYLE } from './html-style.ts';
import { COLOR_COUNT, policyLook } from './policy-look.ts';

type Triple = readonly [number, number, number];

/** Colours of the style sheet by name, for light and for dark. */
const THEMES: Readonly<Record<string, Readonly<Record<string, string>>>> = (() => {
  const dark = STYLE.indexOf('@media (prefers-color-scheme: dark)');
  const read = (text: string): Record<string, string> =>
    Object.fromEntries(
      [...text.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name = '', color = '']) => [name, color]),
    );
  return { light: read(STYLE.slice(0, dark)), dark: read(STYLE.slice(dark, STYLE.indexOf('}', dark))) };
})();

/**
 * Matrices on linear RGB for how colours look without one kind of cone.
 *
 * @source Machado, Oliveira, Fernandes 2009, A physiologically-based model for simulation of color vision deficiency,
 *   IEEE TVCG 15(6), severity 1.
 */
const SIGHTS: Readonly<Record<string, readonly Triple[]>> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function linear(hex: string): Triple {
  const channel = (at: number): number => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

/** WCAG 2 contrast. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string): number => {
    const [red, green, blue] = linear(hex);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dim, bright] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (bright + 0.05) / (dim + 0.05);
}

/** @source Ottosson 2020, A perceptual color space for image processing. */
function oklab([r, g, b]: Triple): Triple {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function seen(hex: string, sight: readonly Triple[]): Triple {
  const color = linear(hex);
  const mixed = sight.map((row) =>
    Math.min(1, Math.max(0, row[0] * color[0] + row[1] * color[1] + row[2] * color[2])),
  );
  return oklab(mixed as unknown as Triple);
}

function distance(a: Triple, b: Triple): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

describe.each(Object.entries(THEMES))('%s', (_, colors) => {
  const paper = colors.paper as string;

  test('text reads on the paper', () => {
    for (const name of ['ink', 'muted', 'accent', 'good', 'bad']) {
      expect(contrast(colors[name] as string, paper), name).toBeGreaterThanOrEqual(4.5);
    }
  });

  test('lines stand out from it', () => {
    for (let i = 0; i < COLOR_COUNT; i++) {
      expect(contrast(colors[`policy-${i}`] as string, paper), `policy ${i}`).toBeGreaterThanOrEqual(3);
    }
    expect(contrast(colors.guide as string, paper)).toBeGreaterThanOrEqual(3);
  });

  test.each(Object.entries(SIGHTS))('policies keep apart: %s', (_sight, matrix) => {
    for (let i = 0; i < COLOR_COUNT; i++) {
      for (let j = i + 1; j < COLOR_COUNT; j++) {
        const between = distance(
          seen(colors[`policy-${i}`] as string, matrix),
          seen(colors[`policy-${j}`] as string, matrix),
        );
        expect(between, `policies ${i} and ${j}`).toBeGreaterThan(j < 4 ? 0.12 : 0.07);
      }
    }
  });
});

test('no two of the first forty policies look the same, and the first is solid', () => {
  const looks = Array.from({ length: 40 }, (_, place) => {
    const { color, dash } = policyLook(place);
    return `${color} ${dash}`;
  });
  expect(new Set(looks).size).toBe(40);
  expect(policyLook(0).dash).toBeUndefined();
});
