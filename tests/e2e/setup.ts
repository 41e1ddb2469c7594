// Before tests with browsers: refuse to run outside of the test namespace, and build the page once.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'

/** Says that the page is built, and that nobody may build it anew while others use it. No name that a host takes for an option. */
export const PAGE_BUILT = 'TESTS_PAGE_BUILT'

export default function setup(): void {
  if (!process.env.CLAWCHAT_TEST_NAMESPACE) {
    throw new Error('End-to-end tests need their own network. Run: npm test -- --project e2e')
  }
  if (!process.env[PAGE_BUILT]) buildPage()
}

/** Throws if that fails. */
export function buildPage(): void {
  const root = resolve(import.meta.dirname, '../..')
  const dist = resolve(root, 'web/dist')
  rmSync(dist, { recursive: true, force: true })
  // As `npm install` does it, or the tests would not notice that it does nothing.
  const args = ['host/launcher.mjs', '--run', 'web/build.ts']
  const build = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  const built = build.status === 0 && existsSync(resolve(dist, 'build.json'))
  if (!built) throw new Error(`The page did not build:\n${build.stdout}${build.stderr}`)
}
