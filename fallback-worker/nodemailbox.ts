// Mailboxes on Node (SPEC §4.4): WebSockets beside the endpoint's routes, and hosts of this very process.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { FRAME_MAX_BYTES, MAILBOX_HINTS_BYTES } from '../shared/constants.ts'
import { MAILBOX_CLOSE } from '../shared/mailbox.ts'
import { runtimeCrypto } from './runtimecrypto.ts'
import {
  type Call,
  type Line,
  type LineState,
  readCall,
  SWITCHBOARD_LIMIT,
  Switchboard,
} from './switchboard.ts'

/** A client that does not read must not fill the memory. */
const UNREAD_BYTES = 1024 * 1024
const KEEP_ALIVE_MS = 30_000

export interface NodeMailbox {
  /** Takes over an HTTP upgrade; one that is no mailbox's is refused. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** The host with this storage id (64 hex digits), in this process. `hints`: 1536 bytes. */
  attach(
    id: string,
    hints: Uint8Array,
    listener: { onMessage(bytes: Uint8Array): void; onClose(): void },
  ): { send(bytes: Uint8Array): void; close(): void }
  close(): void
}

interface Board {
  readonly switchboard: Switchboard
  readonly lines: Set<Line>
}

/** `serves`: whether this id (64 hex digits) may have a mailbox here. */
export function openNodeMailbox(input: {
  readonly serves: (id: string) => boolean
  readonly nowMs: () => number
}): NodeMailbox {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    maxPayload: FRAME_MAX_BYTES + MAILBOX_HINTS_BYTES,
    perMessageDeflate: false,
    handleProtocols: ([first]) => first ?? false,
  })
  const boards = new Map<string, Board>()
  const boardOf = (id: string): Board => {
    const known = boards.get(id)
    if (known !== undefined) return known
    const lines = new Set<Line>()
    const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
    const switchboard = new Switchboard({
      ...{ id, lines: () => lines, crypto: runtimeCrypto, random, nowMs: input.nowMs },
    })
    const board = { switchboard, lines }
    boards.set(id, board)
    return board
  }
  const leave = (id: string, board: Board, line: Line): void => {
    board.switchboard.closed(line)
    board.lines.delete(line)
    if (board.lines.size === 0) boards.delete(id)
  }
  const serve = (call: Call, webSocket: WebSocket, request: IncomingMessage): void => {
    const { id, asHost } = call
    const board = boardOf(id)
    const source = request.socket.remoteAddress ?? ''
    const refused = board.switchboard.refusal(call, source)
    if (refused !== null) {
      webSocket.on('error', () => webSocket.terminate())
      webSocket.close(refused)
      if (board.lines.size === 0) boards.delete(id)
      return
    }
    const line = lineOf(webSocket)
    board.lines.add(line)
    const origin = `http://${request.headers.host ?? ''}`
    webSocket.on('error', () => webSocket.terminate())
    webSocket.on('close', () => leave(id, board, line))
    webSocket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary && data.toString() === 'ping') return webSocket.send('pong')
      void board.switchboard.message(line, isBinary ? new Uint8Array(data) : null, origin)
    })
    if (!asHost) {
      board.switchboard.openClient(line, source)
      return
    }
    board.switchboard.openHost(line)
    const due = setTimeout(() => board.switchboard.proofDue(line), SWITCHBOARD_LIMIT.proofMs)
    webSocket.on('close', () => clearTimeout(due))
  }
  return {
    upgrade(request, socket, head) {
      const { pathname } = new URL(request.url ?? '/', 'http://x')
      const call = readCall(pathname, request.headers['sec-websocket-protocol'])
      if (call === null || !input.serves(call.id)) {
        refuse(socket)
        return
      }
      server.handleUpgrade(request, socket, head, (webSocket) => {
        request.socket.setTimeout(0)
        request.socket.setKeepAlive(true, KEEP_ALIVE_MS)
        serve(call, webSocket, request)
      })
    },
    attach(id, hints, { onMessage, onClose }) {
      const board = boardOf(id)
      let open = true
      const end = (): void => {
        if (!open) return
        open = false
        leave(id, board, line)
        onClose()
      }
      const line: Line = {
        state: { role: 'over' },
        send: (bytes) => {
          if (open) queueMicrotask(() => onMessage(bytes))
        },
        close: end,
      }
      board.lines.add(line)
      board.switchboard.attachHost(line, hints)
      return {
        send: (bytes) => {
          if (open) void board.switchboard.message(line, bytes, '')
        },
        close: end,
      }
    },
    close() {
      for (const webSocket of server.clients) webSocket.terminate()
      server.close()
    },
  }
}

function lineOf(webSocket: WebSocket): Line {
  return {
    state: { role: 'over' } as LineState,
    send(bytes) {
      if (webSocket.bufferedAmount > UNREAD_BYTES) webSocket.close(MAILBOX_CLOSE.limit)
      else webSocket.send(bytes)
    },
    close: (code) => webSocket.close(code),
  }
}

/** An upgrade that nobody serves: a plain answer, so that people who try it by hand read one. */
function refuse(socket: Duplex): void {
  socket.on('error', () => undefined)
  socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
}
