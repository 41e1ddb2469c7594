// Before the end-to-end tests: refuse to run outside of the test namespace, and build the page once.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

export default function setup(): void {
  if (!process.env.CLAWCHAT_TEST_NAMESPACE) {
    throw new Error('End-to-end tests need their own network. Run: npm test -- --project e2e')
  }
  const root = resolve(import.meta.dirname, '../..')
  const build = spawnSync(process.execPath, ['web/build.ts'], { cwd: root, encoding: 'utf8' })
  if (build.status !== 0) throw new Error(`The page did not build:\n${build.stdout}${build.stderr}`)
}
