"""Links: finding peers through rooms, dialling them, proving who is at the other end, noticing when they are gone.

Nouns: a *room* is a meeting place at the rendezvous, known by a secret; a *session* names one run of one node and
belongs to its device key; a *channel*
is a slot for one data channel, with a *generation* that grows at each reuse; a *link* is a channel whose other end proved
its device key and the secret of one room or more; a *signal* is a signed and sealed message through the rendezvous.

Must not know: the vault, what is transferred, and anything of the browser.
"""
