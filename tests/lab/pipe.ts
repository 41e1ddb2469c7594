// One TCP connection into a namespace: standard input and output are its two directions. As a program:
// `node tests/lab/pipe.ts PORT`, where a browser's WebDriver BiDi listens on loopback.
import { connect } from 'node:net'

const socket = connect(Number(process.argv[2]), '127.0.0.1')
socket.on('error', () => process.exit(1))
process.stdin.pipe(socket)
socket.pipe(process.stdout)
socket.on('close', () => process.exit(0))
