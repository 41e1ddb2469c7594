// Which gateway of MEGA's API the host that served this page names (DESIGN, Decisions), apart from its reader, which is loaded
// where a record lies there.

/** What a browser has, and `clawchat connect` has not. */
const { document } = globalThis as {
  document?: { querySelector(selector: string): { content?: string } | null }
}

export const GATEWAY_META = 'meta[name="clawchat-mega-api"]'

/** null: none, as everywhere but in tests */
export const megaGateway = (): string | null =>
  document?.querySelector(GATEWAY_META)?.content || null
