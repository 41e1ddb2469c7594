// One vector file, whatever its format.
import { readFileSync } from 'node:fs'
import { asObject, type JsonObject, VectorFileError } from './json.ts'
import { runNoise } from './noise.ts'
import type { Result } from './results.ts'
import { runWycheproof } from './wycheproof.ts'

/** Throws VectorFileError for a file that cannot be read, parsed or recognised. */
export async function runFile(path: string): Promise<Result[]> {
  const file = readJson(path)
  if ('vectors' in file) return runNoise(file)
  if ('testGroups' in file) return runWycheproof(file)
  throw new VectorFileError('neither a Noise nor a Wycheproof file')
}

function readJson(path: string): JsonObject {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new VectorFileError(error instanceof SyntaxError ? 'not JSON' : 'the file cannot be read')
  }
  return asObject(parsed, 'the file')
}
