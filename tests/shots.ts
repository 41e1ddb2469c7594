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

const press = ({ page }: Person, name: string) =>
  page.getByRole('button', { name, exact: true }).click()

/** The harbour at dusk, as far as a gradient and three circles go. */
const picture = (page: Page): Promise<number[]> =>
  page.evaluate(async () => {
    const canvas = new OffscreenCanvas(640, 420)
    const pen = canvas.getContext('2d')
    if (pen === null) throw new Error('no canvas')
    const sky = pen.createLinearGradient(0, 0, 0, 420)
    for (const [at, colour] of [
      [0, '#2b3a67'],
      [0.55, '#e07a5f'],
      [0.6, '#f2cc8f'],
      [0.62, '#31425f'],
      [1, '#141c2b'],
    ] as const)
      sky.addColorStop(at, colour)
    pen.fillStyle = sky
    pen.fillRect(0, 0, 640, 420)
    for (const [x, y, radius, colour] of [
      [430, 235, 48, '#ffe8b8'],
      [140, 300, 90, '#1d2a44'],
      [250, 330, 70, '#172238'],
    ] as const) {
      pen.fillStyle = colour
      pen.beginPath()
      pen.arc(x, y, radius, 0, 2 * Math.PI)
      pen.fill()
    }
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 })
    return [...new Uint8Array(await blob.arrayBuffer())]
  })

const attach = ({ page }: Person, name: string, mimeType: string, buffer: Buffer) =>
  page.locator('.composer input[type="file"]').setInputFiles({ name, mimeType, buffer })

const LONG_NAME = 'Choir, whole evening.flac'

/** A picture, a document, and one that is on its way. */
async function files(browser: Browser, ada: Person, cleo: Person): Promise<void> {
  const harbour = Buffer.from(await picture(cleo.page))
  await attach(cleo, 'harbour.jpg', 'image/jpeg', harbour)
  await ada.page.getByRole('img', { name: 'harbour.jpg' }).waitFor()
  await attach(ada, 'March scans.pdf', 'application/pdf', Buffer.alloc(180_000, 'scan '))
  await cleo.page.getByText('March scans.pdf').waitFor()
  await attach(ada, LONG_NAME, 'audio/flac', Buffer.alloc(48_000_000, 'la '))
  const bar = ada.page.getByRole('progressbar')
  await bar.waitFor()
  await ada.page.waitForFunction(
    () => Number(document.querySelector<HTMLProgressElement>('progress')?.value ?? 0) > 0.25,
  )
  await press(ada, `Pause ${LONG_NAME}`)
  await sheet(browser, ada, 'files')
  await press(ada, `Cancel ${LONG_NAME}`)
}

/** A long room, in which Ada reads further up; what she looks for; and a day to go to. */
async function back(browser: Browser, ada: Person, cleo: Person): Promise<void> {
  for (let i = 1; i <= 60; i++) await cleo.client.send(LINES[i % LINES.length] ?? '')
  await ada.client.driver.until(
    () => document.querySelectorAll('[role="log"] article').length > 60,
    null,
    60_000,
  )
  await ada.page.getByRole('log').evaluate((log) => log.scrollBy(0, -1400))
  // Cleo may still be writing.
  const down = ada.page.getByRole('button', { name: /^(To the newest message|New messages)$/ })
  await down.waitFor()
  await sheet(browser, ada, 'back')
  await down.click()
  await ada.page.setViewportSize(PHONE)
  await press(ada, 'Rooms and members')
  await ada.page.getByRole('searchbox').fill('backup')
  await ada.page.locator('.hits button').first().waitFor()
  await sheet(browser, ada, 'search')
  await ada.page.setViewportSize(PHONE)
  await ada.page.getByRole('searchbox').fill('')
  await press(ada, 'Back to the conversation')
}

const LINES = [
  'The ferry leaves at ten past nine, not at nine.',
  'Who has the key of the boathouse?',
  'I put the **tent poles** behind the stairs.',
  'Then we meet there. Bring the thermos.',
  'Backup of tonight: 51 GB, 14 minutes.',
]

/** What only the owner sees, and what everybody may choose. */
async function dialogs(browser: Browser, ada: Person): Promise<void> {
  for (const [name, state] of [
    ['The host', 'host'],
    ['People and devices', 'people'],
    ['Settings', 'settings'],
    ['Notifications', 'notifications'],
    ['New room', 'new-room'],
  ] as const) {
    await ada.page.setViewportSize(DESKTOP)
    await press(ada, name)
    await ada.page.getByRole('dialog', { name }).waitFor()
    await ada.page.waitForFunction(() => document.querySelector('dialog .skeleton') === null)
    await sheet(browser, ada, state)
    await ada.page.keyboard.press('Escape')
  }
}

async function shoot(host: Host, invite: string, browser: Browser): Promise<void> {
  const ada = await person(browser, 'Ada')
  await ada.client.join(invite)
  await sheet(browser, ada, 'empty')
  const cleo = await talk(host, browser, ada)
  await sheet(browser, ada, 'full')
  await shot(ada, 'desktop-light', DESKTOP, 'light')
  await press(ada, 'Security')
  await shot(ada, 'security-dark', DESKTOP, 'dark')
  await ada.page.keyboard.press('Escape')
  await dialogs(browser, ada)
  await ada.page.setViewportSize(PHONE)
  await press(ada, 'Rooms and members')
  await shot(ada, 'rooms-phone', PHONE, 'dark')
  await press(ada, 'Back to the conversation')
  await files(browser, ada, cleo)
  await back(browser, ada, cleo)
  await away(host, browser, ada, cleo)
}

/** Without network, and without host. */
async function away(host: Host, browser: Browser, ada: Person, cleo: Person): Promise<void> {
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
  await ada.page.locator('.steps .failed').first().waitFor()
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
