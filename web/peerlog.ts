// In the place of the package `debug` under simple-peer (vite.config.ts): what it would log are addresses.
const silent = (): void => undefined
const silence = (): (() => void) => silent

export { silence as 'module.exports' }
