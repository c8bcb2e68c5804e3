import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readFault } from './file-faults.ts';

function faultOf(path: string): string {
  try {
    readFileSync(path);
  } catch (error) {
    return readFault(error);
  }
  throw new Error(`${path} could be read`);
}

test('failures of the system are words, with the code in brackets', () => {
  expect(faultOf('/no/such/file')).toBe('there is no such file (ENOENT)');
  expect(faultOf('/')).toBe('it is a folder (EISDIR)');
  expect(faultOf('/dev/null/x')).toBe('there is no such file: a part of the path is not a folder (ENOTDIR)');
});

test('others are their code, or their message', () => {
  expect(readFault(Object.assign(new Error('x'), { code: 'EIO' }))).toBe('EIO');
  expect(readFault(new Error('the file became shorter'))).toBe('the file became shorter');
  expect(readFault('text')).toBe('text');
});
