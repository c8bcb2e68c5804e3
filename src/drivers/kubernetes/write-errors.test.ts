import { expect, test } from 'vitest';
import { WriteErrors } from './write-errors.ts';

function setUp() {
  const lines: [string, object, string][] = [];
  const clock = { seconds: 0 };
  const troubles = new WriteErrors(
    {
      debug: (details, message) => lines.push(['debug', details, message]),
      warn: (details, message) => lines.push(['warn', details, message]),
    },
    () => clock.seconds,
  );
  return { lines, clock, troubles };
}

test('a refusal for good is a warning, once in five minutes', () => {
  const { lines, clock, troubles } = setUp();
  const text = '403 pods "a" is forbidden';
  troubles.tell('bind', 'x/a', text);
  troubles.tell('bind', 'x/b', text);
  troubles.tell('event', 'x/b', text);
  clock.seconds = 299;
  troubles.tell('bind', 'x/c', text);
  clock.seconds = 300;
  troubles.tell('bind', 'x/d', text);
  expect(lines.filter(([level]) => level === 'warn')).toEqual([
    ['warn', { pod: 'x/a', text }, 'bind refused by the API server'],
    ['warn', { pod: 'x/b', text }, 'event refused by the API server'],
    ['warn', { pod: 'x/d', text }, 'bind refused by the API server'],
  ]);
  expect(lines).toHaveLength(5);
});

test.each([
  '404 not found',
  '409 conflict',
  '429 slow down',
  '503 away',
  'the answer was lost',
  '4031 odd',
  '',
])('%s is logged at debug only', (text) => {
  const { lines, troubles } = setUp();
  troubles.tell('bind', 'x/a', text);
  expect(lines).toEqual([['debug', { what: 'bind', pod: 'x/a', text }, 'write in trouble']]);
});

test('kinds are bounded', () => {
  const { lines, troubles } = setUp();
  for (let i = 0; i < 250; i++) troubles.tell(`what-${i}`, 'x/a', '403');
  expect(lines.filter(([level]) => level === 'warn')).toHaveLength(250);
  troubles.tell('what-249', 'x/a', '403');
  troubles.tell('what-0', 'x/a', '403');
  // The oldest were dropped, the newest was not.
  expect(lines.slice(250).map(([level]) => level)).toEqual(['debug', 'warn']);
});
