// The chat page as a person or a screen reader meets it: by the accessible names of the contract, in two browsers.
// Chromium through playwright-core, Firefox ESR through puppeteer-core (WebDriver BiDi).
import type { Page as PlaywrightPage } from 'playwright-core'
import type { Page as PuppeteerPage } from 'puppeteer-core'

export type MessageState = 'sending' | 'sent' | 'delivered' | 'read' | 'failed'

export interface SeenMessage {
  readonly id: string
  readonly state: string
  readonly author: string
  readonly text: string
}

/** How often `until` looks: pages that draw a frame for each look use a sixteenth of a core each. */
const LOOK_MS = 30

/** What a test may do with a browser page. */
export interface Driver {
  goto(url: string): Promise<void>
  reload(): Promise<void>
  fill(label: string, text: string): Promise<void>
  press(button: string): Promise<void>
  /** One key on the keyboard, where the focus is */
  key(name: 'Enter' | 'Tab' | 'Escape' | 'Shift+Enter' | 'Control+V'): Promise<void>
  /** Types at the focus, one key after the other */
  type(text: string): Promise<void>
  until<A>(test: (arg: A) => boolean, arg: A, timeoutMs: number): Promise<void>
  read<R, A>(what: (arg: A) => R, arg: A): Promise<Awaited<R>>
  resize(width: number, height: number): Promise<void>
  screenshot(file: string): Promise<void>
  /** Answers every fetch of a record, or those from this origin, with these bytes (null: 404), or not at all. Chromium only. */
  answerRecords(record: Uint8Array | null | 'dead', origin?: string): Promise<void>
  /** From the next load on no UDP packet of this page reaches anybody, or none goes the direct route. Chromium only. */
  blockUdp(what?: Blocked): Promise<void>
  /** Ends `blockUdp`, or leaves only this blocked, for dials from now on until the next load. */
  openUdp(left?: Blocked): Promise<void>
  /** Sets this page's clock this far off, from its next load on. Chromium only. */
  shiftClock(byMs: number): Promise<void>
  /** Answers every request to this origin with 404 and this `Date`. Chromium only. */
  answerDate(origin: string, dateMs: number): Promise<void>
  /** Opens the file chooser by a button with the keyboard, and chooses. Chromium only. */
  chooseFile(button: string, path: string): Promise<void>
  /** Drops a file of these bytes on the page, or pastes it into the field that has the focus. Chromium only. */
  dropFile(bytes: Uint8Array, name?: string, type?: string): Promise<void>
  pasteFile(bytes: Uint8Array, name: string, type: string): Promise<void>
  /** Presses what saves something. @returns where the browser put it. Chromium only. */
  saveFile(name: string): Promise<string>
  /** errors and warnings in the console, and uncaught exceptions, so far */
  readonly errors: string[]
}

// A browser reports each refused connection itself; a page cannot prevent that while the host is down.
// So is a 404 that a test puts in place of a record, a service worker's script that was asked for as the host went, and a
// store of a test that has no mailbox.
const unavoidable =
  /ERR_CONNECTION_REFUSED|status of 404|ERR_CONNECTION_RESET|NS_ERROR_CONNECTION_REFUSED|An unknown error occurred when fetching the script|WebSocket handshake: Unexpected response code: 200/

/** Errors and warnings, as both drivers name them. */
export const isComplaint = (message: { type(): string }): boolean =>
  ['error', 'warn', 'warning'].includes(message.type())

type Blocked = 'all' | 'direct' | 'nothing'

export function chromiumDriver(page: PlaywrightPage): Driver {
  const errors: string[] = []
  // Playwright takes choosers over from the first listener on, and says not when.
  page.on('filechooser', () => undefined)
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (isComplaint(message) && !unavoidable.test(message.text())) errors.push(message.text())
  })
  return {
    errors,
    goto: async (url) => void (await page.goto(url)),
    reload: async () => void (await page.reload()),
    fill: (label, text) => page.getByRole('textbox', { name: label, exact: true }).fill(text),
    press: (name) => page.getByRole('button', { name, exact: true }).click(),
    key: (name) => page.keyboard.press(name),
    type: (text) => page.keyboard.type(text),
    until: async (test, arg, timeout) => {
      const options = { timeout, polling: LOOK_MS }
      await page.waitForFunction(test as (arg: unknown) => boolean, arg as unknown, options)
    },
    read: (what, arg) => page.evaluate(what as (arg: unknown) => never, arg as unknown),
    resize: (width, height) => page.setViewportSize({ width, height }),
    screenshot: async (path) => void (await page.screenshot({ path })),
    answerRecords: async (record, origin = '**') => {
      // A store that is dead has no mailbox either.
      if (record === 'dead')
        await page.routeWebSocket(/\/v1\/mailbox\//, (socket) => void socket.close())
      await page.route(`${origin}/v1/records/*`, (route) => {
        if (record === 'dead') return route.abort('connectionrefused')
        return record === null
          ? route.fulfill({ status: 404 })
          : route.fulfill({ body: Buffer.from(record), contentType: 'application/octet-stream' })
      })
    },
    blockUdp: async (what = 'all') => void (await page.addInitScript(dropCandidates, what)),
    openUdp: async (left = 'nothing') =>
      void (await page.evaluate((left) => {
        ;(globalThis as { blocked?: Blocked }).blocked = left
      }, left)),
    shiftClock: async (byMs) => void (await page.addInitScript(shiftDate, byMs)),
    answerDate: async (origin, dateMs) => {
      await page.route(`${origin}/**`, (route) =>
        route.fulfill({
          status: 404,
          headers: {
            'Access-Control-Allow-Origin': '*',
            'Access-Control-Expose-Headers': 'Date',
            Date: new Date(dateMs).toUTCString(),
          },
        }),
      )
    },
    chooseFile: async (name, path) => {
      const chooser = page.waitForEvent('filechooser')
      const button = page.getByRole('button', { name, exact: true }).last()
      await button.focus()
      await button.press('Enter')
      await (await chooser).setFiles(path)
    },
    dropFile: (bytes, name = 'record.bin', type = '') =>
      page.evaluate(dropBytes, { bytes: [...bytes], name, type }),
    pasteFile: (bytes, name, type) => page.evaluate(pasteBytes, { bytes: [...bytes], name, type }),
    saveFile: async (name) => {
      const saved = page.waitForEvent('download')
      // A large one is opened first, by a button.
      const link = page.getByRole('link', { name, exact: true })
      await link
        .or(page.getByRole('button', { name, exact: true }))
        .last()
        .click()
      return await (await saved).path()
    },
  }
}

const onlyChromium = (): Promise<never> => Promise.reject(new Error('in Chromium only'))

/** Runs in a page before anything of it: the browser never learns where the host's port is, so nothing leaves it. */
function dropCandidates(what: Blocked): void {
  const wall = globalThis as { blocked?: Blocked }
  wall.blocked = what
  const { prototype } = RTCPeerConnection
  const real = prototype.setRemoteDescription as (what: RTCSessionDescriptionInit) => Promise<void>
  prototype.setRemoteDescription = function (description: RTCSessionDescriptionInit) {
    const sdp = description.sdp?.replace(/^a=candidate:.*\r\n/gm, '') ?? ''
    const isDirect = sdp.includes('a=ice-lite')
    const blocks = wall.blocked === 'all' || (wall.blocked === 'direct' && isDirect)
    return real.call(this, blocks ? { type: description.type, sdp } : description)
  }
}

/** Runs in a page before anything of it. */
function shiftDate(byMs: number): void {
  const Real = Date
  globalThis.Date = class extends Real {
    constructor(...given: []) {
      if (given.length === 0) super(Real.now() + byMs)
      else super(...given)
    }
    static override now(): number {
      return Real.now() + byMs
    }
  } as DateConstructor
}

/** Runs in a page: what a browser does for a file that is let go over it. Throws if the page would be left for the file. */
function dropBytes({ bytes, name, type }: { bytes: number[]; name: string; type: string }): void {
  const dataTransfer = new DataTransfer()
  dataTransfer.items.add(new File([Uint8Array.from(bytes)], name, { type }))
  const options = { bubbles: true, cancelable: true, dataTransfer }
  for (const type of ['dragover', 'drop']) {
    const left = document.body.dispatchEvent(new DragEvent(type, options))
    if (left) throw new Error(`${type} was not taken`)
  }
}

/** Runs in a page: what a browser does for a file that is pasted. */
function pasteBytes({ bytes, name, type }: { bytes: number[]; name: string; type: string }): void {
  const clipboardData = new DataTransfer()
  clipboardData.items.add(new File([Uint8Array.from(bytes)], name, { type }))
  const options = { bubbles: true, cancelable: true, clipboardData }
  document.activeElement?.dispatchEvent(new ClipboardEvent('paste', options))
}

export function firefoxDriver(page: PuppeteerPage): Driver {
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('console', (message) => {
    if (isComplaint(message) && !unavoidable.test(message.text())) errors.push(message.text())
  })
  const byRole = (role: string, name: string) =>
    page.locator(`::-p-aria([name="${name}"][role="${role}"])`)
  return {
    errors,
    goto: async (url) => void (await page.goto(url)),
    reload: async () => void (await page.reload()),
    fill: (label, text) => byRole('textbox', label).fill(text),
    press: (name) => byRole('button', name).click(),
    key: (name) => page.keyboard.press(name as 'Enter'),
    type: (text) => page.keyboard.type(text),
    until: async (test, arg, timeout) => {
      const options = { timeout, polling: LOOK_MS }
      await page.waitForFunction(test as (arg: unknown) => boolean, options, arg as unknown)
    },
    read: (what, arg) => page.evaluate(what as (arg: unknown) => never, arg as unknown),
    resize: (width, height) => page.setViewport({ width, height }),
    screenshot: async (path) => void (await page.screenshot({ path: path as `${string}.png` })),
    answerRecords: onlyChromium,
    blockUdp: onlyChromium,
    openUdp: onlyChromium,
    shiftClock: onlyChromium,
    answerDate: onlyChromium,
    chooseFile: onlyChromium,
    dropFile: onlyChromium,
    pasteFile: onlyChromium,
    saveFile: onlyChromium,
  }
}

export type Way = 'direct' | 'mailbox' | 'relay'

/** One person's page. */
export class Client {
  readonly name: string
  readonly driver: Driver
  /** every text that was sent */
  readonly wrote: string[] = []

  constructor(name: string, driver: Driver) {
    this.name = name
    this.driver = driver
  }

  /** Opens an invite and joins under the client's name; returns once connected. */
  async join(link: string, route: Way = 'direct'): Promise<void> {
    await this.driver.goto(link)
    await this.driver.fill('Your name', this.name)
    await this.driver.press('Join')
    await this.waitConnected(45_000, route)
  }

  /** Connected, and over this route: nothing else counts. */
  async waitConnected(timeoutMs = 45_000, route: Way = 'direct'): Promise<void> {
    await this.driver.until(
      (route) => {
        const status = document.querySelector<HTMLElement>('[role="status"][data-state]')
        return status?.dataset.state === 'connected' && status.dataset.route === route
      },
      route,
      timeoutMs,
    )
  }

  /** Waits for a connection state that is not `connected`. */
  async waitDisconnected(timeoutMs = 45_000): Promise<void> {
    await this.driver.until(
      () => {
        const status = document.querySelector<HTMLElement>('[role="status"][data-state]')
        return status !== null && status.dataset.state !== 'connected'
      },
      null,
      timeoutMs,
    )
  }

  async send(text: string): Promise<void> {
    this.wrote.push(text)
    await this.driver.fill('Message', text)
    await this.driver.press('Send')
  }

  /** All messages on screen, in order. */
  messages(): Promise<SeenMessage[]> {
    return this.driver.read(() => {
      const log = document.querySelector('[role="log"][aria-label="Messages"]')
      const rows = [...(log?.querySelectorAll<HTMLElement>('article, [role="article"]') ?? [])]
      return rows.map((row) => ({
        id: row.dataset.id ?? '',
        state: row.dataset.state ?? '',
        author: row.dataset.author ?? '',
        text: row.querySelector('[data-part="text"]')?.textContent ?? '',
      }))
    }, null)
  }

  async texts(): Promise<string[]> {
    return (await this.messages()).map((message) => message.text)
  }

  /** Waits until a message with that text shows one of the states; what is read was delivered. */
  async waitMessage(text: string, ...states: MessageState[]): Promise<void> {
    await this.#explain(`"${text}" as ${states.join(' or ') || 'any state'}`, () =>
      this.driver.until(
        ({ text, states }) =>
          [...document.querySelectorAll<HTMLElement>('[role="log"] [data-id]')].some(
            (row) =>
              row.querySelector('[data-part="text"]')?.textContent === text &&
              (states.length === 0 || (states as string[]).includes(row.dataset.state ?? '')),
          ),
        { text, states: states.includes('delivered') ? [...states, 'read'] : states },
        45_000,
      ),
    )
  }

  /** Waits until the page says these words anywhere. */
  async waitText(text: string, timeoutMs = 45_000): Promise<void> {
    await this.driver.until((words) => document.body.textContent.includes(words), text, timeoutMs)
  }

  /** Waits for an alert and returns its code. */
  async alertCode(timeoutMs = 45_000): Promise<string> {
    await this.driver.until(
      () => document.querySelector('[role="alert"][data-code]') !== null,
      null,
      timeoutMs,
    )
    return this.driver.read(
      () => document.querySelector<HTMLElement>('[role="alert"][data-code]')?.dataset.code ?? '',
      null,
    )
  }

  /** The port epoch of the connection as the page shows it. */
  epoch(): Promise<string> {
    return this.driver.read(
      () => document.querySelector<HTMLElement>('[role="status"][data-epoch]')?.dataset.epoch ?? '',
      null,
    )
  }

  async #explain(what: string, wait: () => Promise<void>): Promise<void> {
    try {
      await wait()
    } catch (error) {
      const shown = JSON.stringify(await this.messages())
      throw new Error(`${this.name} never saw ${what}; on screen: ${shown}`, { cause: error })
    }
  }
}
