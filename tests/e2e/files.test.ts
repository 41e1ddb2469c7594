// Files between two Chromium profiles through a real host (SPEC §6.5, §7.7): they arrive as they were, whatever breaks on the way.
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { inBrowser } from './browser.ts'
import type { Client } from './client.ts'
import { freePort, type Lab, labTest } from './harness.ts'
import type { Host } from './host.ts'

const MIB = 2 ** 20

interface Scene {
  readonly host: Host
  readonly args: string[]
  readonly ann: Client
  readonly ben: Client
}

async function scene(lab: Lab, ...options: string[]): Promise<Scene> {
  const args = ['--http', `127.0.0.1:${freePort()}`, ...options]
  const { host, ready } = await lab.host(args)
  const [ann, ben] = [await lab.chromium('Ann'), await lab.chromium('Ben')]
  await ann.join(String(ready.invite))
  await ben.join(await host.invite())
  return { host, args, ann, ben }
}

/** A file on this disk, to be chosen. */
function fileOf(lab: Lab, name: string, content: Uint8Array): string {
  const path = lab.path(name)
  writeFileSync(path, content)
  return path
}

const hashOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

const attach = ({ driver }: Client, path: string): Promise<void> =>
  driver.chooseFile('Attach file', path)

/** Waits until a row with a file of this name is in this phase, or `here`. */
const phase = ({ driver }: Client, name: string, wanted: string): Promise<void> =>
  driver.until(
    ({ name, wanted }) =>
      [...document.querySelectorAll<HTMLElement>('[data-part="file"]')].some(
        (file) => file.textContent.includes(name) && file.dataset.phase === wanted,
      ),
    { name, wanted },
    120_000,
  )

/** Waits until so many bytes of a transfer are through. */
const through = ({ driver }: Client, name: string, bytes: number): Promise<void> =>
  driver.until(
    ({ name, bytes }) =>
      [...document.querySelectorAll('progress')].some(
        (bar) => bar.ariaLabel?.endsWith(name) === true && bar.value >= bytes,
      ),
    { name, bytes },
    120_000,
  )

/** Waits until a message with this file has this state. */
const stateOf = ({ driver }: Client, name: string, ...states: string[]): Promise<void> =>
  driver.until(
    ({ name, states }) =>
      [...document.querySelectorAll<HTMLElement>('article[data-id]')].some(
        (row) =>
          row.querySelector('[data-part="file"]')?.textContent.includes(name) === true &&
          states.includes(row.dataset.state ?? ''),
      ),
    { name, states },
    120_000,
  )

/** SHA-256 of what the browser saved, read as it comes. */
async function savedHash({ driver }: Client, name: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(await driver.saveFile(`Save ${name}`)))
    hash.update(part as Buffer)
  return hash.digest('hex')
}

/** How many files stand open in the browser's private file system. */
const openedFiles = ({ driver }: Client): Promise<number> =>
  driver.read(async () => {
    const root = await navigator.storage.getDirectory()
    const folder = await root.getDirectoryHandle('clawchat-opened', { create: true })
    let count = 0
    for await (const _ of (folder as unknown as { keys(): AsyncIterable<string> }).keys()) count++
    return count
  }, null)

const get = async (client: Client, name: string): Promise<void> => {
  await client.driver.until((name) => document.body.textContent.includes(name), name, 45_000)
  await client.driver.press(`Get ${name}`)
}

/** A picture of its own. */
const makePicture = ({ driver }: Client): Promise<number[]> =>
  driver.read(async () => {
    const canvas = document.createElement('canvas')
    ;[canvas.width, canvas.height] = [640, 400]
    const paint = canvas.getContext('2d')
    for (let i = 0; i < 400 && paint !== null; i++) {
      paint.fillStyle = `hsl(${i} 70% 50%)`
      paint.fillRect((i * 37) % 640, (i * 61) % 400, 60, 40)
    }
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'))
    return [...new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer())]
  }, null)

labTest(
  'a file chosen, HTML and SVG dropped, a picture pasted: saved as they were, and only the picture is shown',
  async (lab) => {
    const { ann, ben } = await scene(lab)
    const content = randomBytes(3 * MIB + 7)
    await attach(ann, fileOf(lab, 'notes.dat', content))
    await get(ben, 'notes.dat')
    await phase(ben, 'notes.dat', 'here')
    expect(await savedHash(ben, 'notes.dat')).toBe(hashOf(content))
    await phase(ann, 'notes.dat', 'here')

    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="document.title=1"/>')
    const html = Buffer.from('<script>document.title = 2</script>')
    await ann.driver.dropFile(svg, 'a.svg', 'image/svg+xml')
    await ann.driver.dropFile(html, 'b.html', 'text/html')
    for (const name of ['a.svg', 'b.html']) {
      await get(ben, name)
      await phase(ben, name, 'here')
    }
    const shown = await ben.driver.read(
      () => document.querySelectorAll('[data-part="file"] :is(img, iframe, object, embed)').length,
      null,
    )
    expect(shown).toBe(0)
    expect(await savedHash(ben, 'a.svg')).toBe(hashOf(svg))

    const picture = Uint8Array.from(await makePicture(ann))
    await ann.driver.read(() => document.querySelector('textarea')?.focus(), null)
    await ann.driver.pasteFile(picture, '../../sketch\u202egnp.png', 'image/png')
    await phase(ben, 'sketchgnp.png', 'here')
    await ben.driver.until(
      () => {
        const seen = document.querySelector<HTMLImageElement>('[data-part="file"] img')
        return seen?.complete === true && seen.naturalWidth === 640 && seen.alt === 'sketchgnp.png'
      },
      null,
      45_000,
    )
    expect(await savedHash(ben, 'sketchgnp.png')).toBe(hashOf(picture))
  },
)

labTest(
  'two at once, and what is written meanwhile does not wait; one is paused and cancelled',
  async (lab) => {
    const { ann, ben } = await scene(lab)
    const [one, two] = [randomBytes(40 * MIB), randomBytes(40 * MIB)]
    await attach(ann, fileOf(lab, 'one.dat', one))
    await attach(ann, fileOf(lab, 'two.dat', two))
    await through(ann, 'one.dat', MIB)
    await through(ann, 'two.dat', MIB)
    await ann.send('meanwhile')
    await ben.waitMessage('meanwhile')
    await stateOf(ann, 'one.dat', 'sending')
    await ann.driver.press('Pause two.dat')
    await phase(ann, 'two.dat', 'paused')
    await stateOf(ann, 'one.dat', 'delivered', 'sent')
    await ann.driver.press('Go on two.dat')
    await through(ann, 'two.dat', 5 * MIB)
    await ann.driver.press('Cancel two.dat')
    await ann.driver.until(() => !document.body.textContent.includes('two.dat'), null, 45_000)
    await ann.send('after')
    await ben.waitMessage('after')
    expect(await ben.driver.read(() => document.body.textContent.includes('two.dat'), null)).toBe(
      false,
    )
    const kept = (): string[] => readdirSync(join(lab.path('host'), 'files'))
    await expect.poll(() => kept().filter((name) => name.endsWith('.part'))).toEqual([])
    expect(kept()).toHaveLength(1)
  },
)

labTest(
  'up: the host is killed, the page reloaded, and it goes on from where it was',
  async (lab) => {
    const { host, args, ann, ben } = await scene(lab)
    // Long enough to be seen on its way on a fast machine, too.
    const content = randomBytes(48 * MIB + 3)
    await attach(ann, fileOf(lab, 'long.dat', content))
    await through(ann, 'long.dat', 4 * MIB)
    await host.kill()
    await ann.waitDisconnected()
    // Looked at before it can be over.
    const goesOn = through(ann, 'long.dat', 12 * MIB)
    await Promise.all([goesOn, lab.host(args)])
    await ann.driver.reload()
    await through(ann, 'long.dat', 12 * MIB)
    await stateOf(ann, 'long.dat', 'delivered', 'sent')
    await get(ben, 'long.dat')
    await phase(ben, 'long.dat', 'here')
    expect(await savedHash(ben, 'long.dat')).toBe(hashOf(content))
  },
)

labTest(
  'down: the host is killed, the page reloaded, and it goes on from what is kept',
  async (lab) => {
    const { host, args, ann, ben } = await scene(lab)
    const content = randomBytes(36 * MIB + 3)
    await attach(ann, fileOf(lab, 'long.dat', content))
    await stateOf(ann, 'long.dat', 'delivered', 'sent')
    await get(ben, 'long.dat')
    await through(ben, 'long.dat', 2 * MIB)
    await host.kill()
    await ben.waitDisconnected()
    const goesOn = through(ben, 'long.dat', 17 * MIB)
    await Promise.all([goesOn, lab.host(args)])
    await ben.driver.reload()
    await ben.waitConnected()
    await get(ben, 'long.dat')
    // The first segment of 16 MiB is here already: nothing below it is ever shown.
    await ben.driver.until(
      () => {
        const bars = [...document.querySelectorAll('progress')]
        if (bars.some((bar) => bar.value > 0 && bar.value < 16_000_000)) throw new Error('anew')
        return document.querySelector('[data-part="file"]')?.getAttribute('data-phase') === 'here'
      },
      null,
      120_000,
    )
    expect(await savedHash(ben, 'long.dat')).toBe(hashOf(content))
    // It was opened onto the disk for that, in the clear: as long as this page lives.
    expect(await openedFiles(ben)).toBe(1)
    await ben.driver.reload()
    await ben.waitConnected()
    await expect.poll(() => openedFiles(ben)).toBe(0)
  },
)

/** Joins as Ann. */
async function enter(page: Page, link: string): Promise<void> {
  await page.goto(link)
  await page.getByRole('textbox', { name: 'Your name' }).fill('Ann')
  await page.getByRole('button', { name: 'Join' }).click()
  await page.getByRole('textbox', { name: 'Message' }).waitFor()
}

labTest('a voice note is recorded, sent, and can be played', async (lab) => {
  const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
  const args = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']
  await inBrowser(
    {},
    async (page) => {
      await enter(page, String(ready.invite))
      await page.getByRole('button', { name: 'Record voice note' }).click()
      await page.getByRole('button', { name: 'Discard voice note' }).click()
      await page.getByRole('button', { name: 'Record voice note' }).click()
      await page.getByRole('status').filter({ hasText: 'Recording' }).waitFor()
      await page.getByRole('timer').filter({ hasText: '0:02' }).waitFor()
      await page.getByRole('button', { name: 'Stop and send' }).click()
      const sound = page.locator('[data-part="file"] audio')
      await sound.waitFor()
      const played = await sound.evaluate(async (audio: HTMLAudioElement) => {
        await audio.play()
        await new Promise((resolve) =>
          audio.addEventListener('timeupdate', resolve, { once: true }),
        )
        return audio.currentTime
      })
      expect(played).toBeGreaterThan(0)
      expect(await sound.count()).toBe(1)
    },
    args,
  )
})

const PDF = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj
trailer<</Root 1 0 R>>`

labTest(
  'a PDF is shown in place and hidden again; without a microphone the page says so',
  async (lab) => {
    const { ready } = await lab.host(['--http', `127.0.0.1:${freePort()}`])
    await inBrowser({}, async (page) => {
      await enter(page, String(ready.invite))
      const chooser = page.waitForEvent('filechooser')
      await page.getByRole('button', { name: 'Attach file' }).click()
      await (await chooser).setFiles(fileOf(lab, 'plan.pdf', Buffer.from(PDF)))
      await page.getByRole('button', { name: 'Show plan.pdf' }).click()
      // What shows it is the browser's viewer, in a frame of its own.
      await expect.poll(() => page.frames().length).toBeGreaterThan(2)
      await page.getByRole('button', { name: 'Hide plan.pdf' }).click()
      await expect.poll(() => page.frames().length).toBe(1)

      await page.getByRole('button', { name: 'Record voice note' }).click()
      const said = page.getByText('The browser does not let this page use the microphone.')
      await said.waitFor({ state: 'visible' })
      // To everybody, not to screen readers alone.
      expect((await said.boundingBox())?.width ?? 0).toBeGreaterThan(100)
    })
  },
)

labTest('what the host does not take is said in words, and nobody else notices', async (lab) => {
  const { ann, ben } = await scene(lab, '--max-file', '1MiB')
  await attach(ann, fileOf(lab, 'big.dat', randomBytes(MIB + 1)))
  expect(await ann.alertCode()).toBe('file-too-large')
  await ann.driver.press('Cancel big.dat')
  await ann.send('still here')
  await ben.waitMessage('still here')
  expect(await ben.driver.read(() => document.body.textContent.includes('big.dat'), null)).toBe(
    false,
  )
})
