// The honest sentence of a page that came without https (contract: LAN links).

export function PlainHttp({ secure }: { secure: boolean }) {
  if (secure) return null
  return (
    <p class="banner">
      This page came without https. Someone on this Wi-Fi could alter it. Use it only on networks
      you trust.
    </p>
  )
}
