// `npm run shots`: pictures of the page for README and review, of a real host and real browsers, into docs/screens/.
// A state is one sheet: desktop and phone, light and dark.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { buildPage } from '../web/build.ts'
import { Client, chromiumDriver } from './e2e/client.ts'
import { type Host, startHost } from './e2e/host.ts'

const out = resolve(import.meta.dirname, '../docs/screens')
const DESKTOP = { width: 1280, height: 800 }
const PHONE = { width: 390, height: 800 }
const SCHEMES = ['light', 'dark'] as const
/** Of the sheets, so that each stays small. */
const SCALE = 0.55

interface Person {
  readonly page: Page
  readonly client: Client
}

async function person(browser: Browser, name: string): Promise<Person> {
  const context = await browser.newContext({ viewport: DESKTOP, reducedMotion: 'reduce' })
  const page = await context.newPage()
  return { page, client: new Client(name, chromiumDriver(page)) }
}

async function shot(
  { page }: Person,
  name: string,
  viewport: typeof DESKTOP,
  colorScheme: (typeof SCHEMES)[number],
): Promise<void> {
  await page.setViewportSize(viewport)
  await page.emulateMedia({ colorScheme })
  await page.screenshot({ path: `${out}/${name}.png` })
}

async function sheet(browser: Browser, { page }: Person, state: string): Promise<void> {
  const pictures: string[] = []
  for (const colorScheme of SCHEMES) {
    for (const viewport of [DESKTOP, PHONE]) {
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme })
      pictures.push((await page.screenshot()).toString('base64'))
    }
  }
  const images = pictures.map((data) => `<img src="data:image/png;base64,${data}">`)
  const table = await browser.newPage({ deviceScaleFactor: SCALE })
  await table.setViewportSize({ width: DESKTOP.width + PHONE.width + 72, height: 1700 })
  await table.setContent(`<style>
    body { margin: 0; display: grid; grid-template-columns: auto auto; gap: 24px; padding: 24px;
      width: max-content; background: #888 }</style>${images.join('')}`)
  await table.locator('body').screenshot({ path: `${out}/${state}.png` })
  await table.close()
}

const SCRIPT = [
  'What I ran, for next time:',
  '```sh',
  '# once a night',
  'backup --to "$disk" --keep 30',
  '```',
  '- wipe the old disk',
  '- tell `ops` about it',
].join('\n')

/** What is seen of a message is not always what was written. */
const seen = (client: Client, count: number): Promise<void> =>
  client.driver.until(
    (count) => document.querySelectorAll('[role="log"] article').length >= count,
    count,
    45_000,
  )

async function talk(host: Host, browser: Browser, ada: Person): Promise<Person> {
  const cleo = await person(browser, 'Cleo')
  const jun = await person(browser, 'Jun')
  const link = await host.invite()
  await cleo.page.goto(link)
  await cleo.page.getByRole('textbox', { name: 'Your name' }).fill('Cleo')
  await shot(cleo, 'join-phone', PHONE, 'light')
  await cleo.client.join(link)
  await jun.client.join(await host.invite())
  const said = [
    [cleo, 'Did the backup finish? I need the **March scans** before lunch.'],
    [ada, 'It finished at 03:12. Nothing was skipped.'],
    [ada, 'All 48 211 files are there, 1.9 GB of them new.'],
    [jun, SCRIPT],
    [cleo, 'Wait until the *weekend*, please. @Ada knows why.'],
    [jun, 'No hurry.'],
    [cleo, 'Perfect, thank you both: https://wiki.example.org/backup'],
    [ada, 'See you at the station.'],
  ] as const
  for (const [i, [who, text]] of said.entries()) {
    await who.client.send(text)
    for (const { client } of [ada, cleo, jun]) await seen(client, i + 1)
  }
  await ada.client.waitMessage('See you at the station.', 'delivered')
  await jun.page.close()
  return cleo
}

async function shoot(host: Host, invite: string, browser: Browser): Promise<void> {
  const press = ({ page }: Person, name: string) =>
    page.getByRole('button', { name, exact: true }).click()
  const ada = await person(browser, 'Ada')
  await ada.client.join(invite)
  await sheet(browser, ada, 'empty')
  const cleo = await talk(host, browser, ada)
  await sheet(browser, ada, 'full')
  await shot(ada, 'desktop-light', DESKTOP, 'light')
  await press(ada, 'Security')
  await shot(ada, 'security-dark', DESKTOP, 'dark')
  await ada.page.keyboard.press('Escape')
  await ada.page.setViewportSize(PHONE)
  await press(ada, 'Rooms and members')
  await shot(ada, 'rooms-phone', PHONE, 'dark')
  await press(ada, 'Back to the conversation')
  await host.kill()
  // The browser says that its network is gone before the carrier has been silent for long.
  await cleo.page.context().setOffline(true)
  await cleo.page.locator('[role="status"][data-state="offline"]').waitFor()
  await cleo.client.send('I am in the tunnel.')
  await cleo.client.waitMessage('I am in the tunnel.', 'sending')
  await sheet(browser, cleo, 'offline')
  await ada.client.waitDisconnected()
  await ada.client.send('Are you there yet?')
  await ada.page.getByRole('alert').waitFor({ timeout: 60_000 })
  await sheet(browser, ada, 'failing')
  await ada.page.setViewportSize(PHONE)
  await press(ada, 'Connection details')
  await ada.page.locator('.steps .failed').waitFor()
  await shot(ada, 'details-phone', PHONE, 'light')
}

async function main(): Promise<void> {
  mkdirSync(out, { recursive: true })
  for (const file of readdirSync(out)) rmSync(resolve(out, file))
  await buildPage()
  const dir = mkdtempSync(resolve(tmpdir(), 'clawchat-shots-'))
  const { host, ready } = await startHost(dir, ['--http', '127.0.0.1:0', '--name', 'Family'])
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args })
  try {
    await shoot(host, String(ready.invite), browser)
  } finally {
    await browser.close()
    await host.kill()
    rmSync(dir, { recursive: true, force: true })
  }
}

if (process.env.CLAWCHAT_TEST_NAMESPACE === '1') await main()
else {
  const script = [resolve(import.meta.dirname, 'namespace.ts'), import.meta.filename]
  process.exitCode = spawnSync(process.execPath, script, { stdio: 'inherit' }).status ?? 1
}
