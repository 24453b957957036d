// @ts-check
/**
 * @import { Answer } from "../../state/answers.js"
 * @import { Message } from "../../state/conversations.js"
 */
import { Component } from "preact";
import { html } from "../parts/html.js";
import { AnswerItem } from "./answer_item.js";
import { ComparedAnswers } from "./compared_answers.js";
import { UserItem } from "./user_item.js";

/**
 * @typedef {object} MessageProps
 * @property {Message} message
 * @property {boolean} isLast
 * @property {number} place  among its versions, from 0
 * @property {number} versions
 * @property {Answer[]} compared  what stands side by side with it, itself among them; empty where nothing does
 *
 * @extends {Component<MessageProps>}
 */
export class MessageItem extends Component {
  /**
   * A message is never changed in place, so one that is the same is drawn the same.
   *
   * @override
   * @param {any} next
   */
  shouldComponentUpdate(next) {
    const { message, isLast, place, versions, compared } = this.props;
    return next.message !== message || next.isLast !== isLast || next.place !== place || next.versions !== versions
      || next.compared.length !== compared.length
      || compared.some((answer, position) => answer !== next.compared[position]);
  }

  /** @override */
  render() {
    const { message, compared, ...rest } = this.props;
    if (message.role === "user") return html`<${UserItem} message=${message} ...${rest} />`;
    if (compared.length) return html`<${ComparedAnswers} chosen=${message} answers=${compared} ...${rest} />`;
    return html`<li class="message assistant"><${AnswerItem} answer=${message} ...${rest} /></li>`;
  }
}
