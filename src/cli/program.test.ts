import { afterEach, expect, test, vi } from 'vitest';
import { ALL_COMMANDS } from '../../lab/commands.ts';
import { buildProgram, PRODUCT_COMMANDS, runCommandLine } from './program.ts';

afterEach(() => vi.restoreAllMocks());

const namesOf = (commands: typeof PRODUCT_COMMANDS): string[] =>
  buildProgram(commands).commands.map((command) => command.name());

const product = new Set(namesOf(PRODUCT_COMMANDS));
const laboratory = namesOf(ALL_COMMANDS).filter((name) => !product.has(name));

test('there are commands of the laboratory', () => {
  expect(laboratory).toContain('bench');
});

test.each(laboratory)('without the laboratory, teg %s says where it is', async (name) => {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(await runCommandLine([name], PRODUCT_COMMANDS)).toBe(2);
  expect(text).toContain(
    `${name} belongs to the laboratory, which images do not carry; run it from a checkout`,
  );
});
