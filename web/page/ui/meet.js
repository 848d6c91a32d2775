/**
 * Meeting others: the room that this node is in, private rooms, and invitations that need no server.
 *
 * Nouns: an *invitation* is a text for one other node; its *reply* is the text that comes back.
 * Invariant: what somebody pastes goes to the node as it is; what is wrong with it is said beside the field.
 */

import { readConfig } from "../config.js";
import { rendezvousUrl } from "../network.js";
import { explain, words } from "../words.js";
import { button, copyText, h, need, setText } from "./dom.js";
import { qrCode } from "./qr.js";
import { canScan, scan } from "./scan.js";

const TEXTS = words.meet;

/** @typedef {import("./types.js").NodeApi} NodeApi */

export class Meet {
  #node;
  #dialog = need("meet-dialog", HTMLDialogElement);
  #hasServer = true;
  #about = h("p", { class: "quiet-text", id: "meet-about" }, TEXTS.public);
  #back = button({
    text: TEXTS.leave,
    kind: "soft",
    action: "room-public",
    onClick: () => void this.#enter(() => this.#node.leaveRoom()),
  });
  #link = button({
    text: TEXTS.roomLink,
    kind: "soft",
    action: "room-link",
    onClick: () => void this.#enter(async () => this.#node.room()),
  });

  element = h(
    "section",
    { id: "meet" },
    h("h3", null, TEXTS.heading),
    this.#about,
    h(
      "div",
      { class: "meet-buttons" },
      button({ text: TEXTS.invite, kind: "soft", action: "invite", onClick: () => void this.#invite() }),
      button({ text: TEXTS.answer, kind: "soft", action: "answer", onClick: () => this.#answer() }),
      button({ text: TEXTS.newRoom, kind: "soft", action: "room-new", onClick: () => void this.#newRoom() }),
      this.#link,
      this.#back,
    ),
  );

  /** @param {NodeApi} node */
  constructor(node) {
    this.#node = node;
    this.showRoom("", true);
    void readConfig().then((config) => {
      this.#hasServer = rendezvousUrl(config) !== null;
      this.showRoom("", true);
    });
  }

  /** @param {string} link of a private room; empty in the public one @param {boolean} isAlone nobody else is in it */
  showRoom(link, isAlone) {
    const served = link ? TEXTS.private : isAlone ? TEXTS.alone : TEXTS.public;
    setText(this.#about, this.#hasServer ? served : link ? `${served} ${TEXTS.noServer}` : TEXTS.noServer);
    this.#back.hidden = this.#link.hidden = !link;
  }

  async #invite() {
    const text = copyField("meet-invitation", TEXTS.invitation);
    const picture = h("div", { class: "qr-place" });
    const reply = h("textarea", { id: "meet-reply", rows: "4", spellcheck: false, "aria-label": TEXTS.reply });
    const told = toldLine();
    const connect = button({
      text: TEXTS.connect,
      kind: "main",
      action: "connect",
      onClick: () =>
        void attempt(told, connect, async () => {
          await this.#node.takeReply(reply.value.trim());
          return TEXTS.connected;
        }),
    });
    const first = [h("p", null, TEXTS.inviteFirst), picture, ...text.parts];
    const second = [h("p", null, TEXTS.inviteSecond), reply, ...this.#scanInto(reply, told)];
    this.#open(TEXTS.inviteHeading, ...first, ...second, connect, told);
    await attempt(told, text.copy, async () => {
      const invitation = await this.#node.invite();
      text.field.value = invitation;
      picture.replaceChildren(await qrCode(invitation, TEXTS.qr));
      return "";
    });
  }

  #answer() {
    const invitation = h("textarea", {
      id: "meet-invited",
      rows: "4",
      spellcheck: false,
      "aria-label": TEXTS.invitation,
    });
    const reply = copyField("meet-replied", TEXTS.reply);
    const picture = h("div", { class: "qr-place" });
    const second = h("div", { hidden: true }, h("p", null, TEXTS.answerSecond), picture, ...reply.parts);
    const told = toldLine();
    const make = button({
      text: TEXTS.makeReply,
      kind: "main",
      action: "make-reply",
      onClick: () =>
        void attempt(told, make, async () => {
          reply.field.value = await this.#node.answerInvitation(invitation.value.trim());
          picture.replaceChildren(await qrCode(reply.field.value, TEXTS.qrReply));
          second.hidden = false;
          return "";
        }),
    });
    const first = [h("p", null, TEXTS.answerFirst), invitation, ...this.#scanInto(invitation, told)];
    this.#open(TEXTS.answerHeading, ...first, make, told, second);
  }

  async #newRoom() {
    await this.#enter(async () => this.#node.join(await this.#node.newRoom()));
  }

  /** Show the room that this leads to; a private one with its link. @param {() => Promise<{link: string} | null>} go */
  async #enter(go) {
    const link = copyField("meet-room", TEXTS.roomLink);
    const told = toldLine();
    const text = h("p", null, TEXTS.working);
    this.#open(TEXTS.roomHeading, text, ...link.parts, told);
    await attempt(told, link.copy, async () => {
      const room = (await go())?.link ?? "";
      this.showRoom(room, false);
      if (!room) this.#dialog.close();
      setText(text, TEXTS.roomText);
      link.field.value = room;
      return "";
    });
  }

  /**
   * A button that fills a field from a code before the camera, hidden where the browser reads none; it ends with the dialog.
   * @param {HTMLTextAreaElement} field @param {HTMLElement} told @returns {Node[]}
   */
  #scanInto(field, told) {
    const place = h("div", { class: "qr-place" });
    const look = button({
      text: TEXTS.scan,
      kind: "soft",
      action: "scan",
      onClick: async () => {
        const closing = new AbortController();
        this.#dialog.addEventListener("close", () => closing.abort(), { once: true });
        look.disabled = true;
        const text = await scan(place, closing.signal, TEXTS.camera).catch(() => null);
        look.disabled = false;
        if (text) field.value = text;
        else if (text === null) setText(told, TEXTS.noCamera);
      },
    });
    look.hidden = true;
    canScan().then(
      (can) => {
        look.hidden = !can;
      },
      () => {}, // a reader that fails reads nothing
    );
    return [look, place];
  }

  /** @param {string} heading @param {...Node} content */
  #open(heading, ...content) {
    const close = button({ icon: "close", label: TEXTS.close, action: "close", onClick: () => this.#dialog.close() });
    this.#dialog.replaceChildren(
      h("div", { class: "dialog-head" }, h("h2", { id: "meet-heading" }, heading), close),
      h("div", { class: "dialog-body" }, ...content),
    );
    if (!this.#dialog.open) this.#dialog.showModal();
  }
}

const toldLine = () => h("p", { class: "share-told", role: "status" });

/** A text that people carry elsewhere. @param {string} id @param {string} label */
function copyField(id, label) {
  const field = h("textarea", { id, rows: "3", readonly: true, spellcheck: false, "aria-label": label });
  field.addEventListener("focus", () => field.select());
  const told = toldLine();
  const copy = button({
    icon: "copy",
    text: TEXTS.copy,
    kind: "soft",
    action: "copy",
    onClick: async () => {
      field.select();
      setText(told, (await copyText(field.value)) ? TEXTS.copied : TEXTS.notCopied);
    },
  });
  return { field, copy, parts: [field, copy, told] };
}

/**
 * Do it while the button rests; say what came of it.
 * @param {HTMLElement} told @param {HTMLButtonElement} pressed @param {() => Promise<string>} work answers what to say
 */
async function attempt(told, pressed, work) {
  setText(told, TEXTS.working);
  pressed.disabled = true;
  try {
    setText(told, await work());
  } catch (error) {
    const { title, todo } = explain(error);
    setText(told, `${title}. ${todo}`);
  } finally {
    pressed.disabled = false;
  }
}
