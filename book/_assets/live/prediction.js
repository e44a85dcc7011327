// What the reader expects, drawn before the network is let go, and held against what it says.
"use strict";
globalThis.emt ??= {};

emt.prediction = (() => {
  const { button, choice, element, still, textInput } = emt.page;
  const { Pad } = emt.pad;
  const { picture } = emt.glyphs;
  const { AT, told } = emt.lessons;
  const { s: S, kappa: KAPPA } = emt.data;

  class Prediction {
    constructor(figure, questions) {
      Object.assign(this, { figure, asks: questions, asked: null, values: null });
      const all = Object.entries(questions).map(([id, [words]]) => [id, words]);
      const set = choice(`What if, after step ${AT}, you`, all, null, (id) => this.ask(id));
      this.questions = element("div", { className: "el-asking" }, set);
      const name = "Your prediction, 16 columns of 5 bits: arrow keys move, space turns a bit";
      this.pad = new Pad(S, KAPPA, name, (values) => {
        this.words.value = "";
        this.predict(values);
      });
      this.words = textInput("Your prediction as text", (words) => this.predict(picture(words)));
      this.score = element("p", { className: "el-score" });
      const title = element("strong", { textContent: "You predict" });
      const show = button("Show me", () => this.reveal(), { className: "el-button el-main" });
      const words = element(
        "div",
        { className: "el-guess-text" },
        element("p", { className: "el-title" }, title),
        element("div", { className: "el-row" }, this.words, show),
        this.score,
      );
      this.rows = [words, element("div", { className: "el-guess" }, this.pad.grid.box)];
      this.pad.draw(picture("3141"));
      this.words.value = "3141";
    }

    /** A fresh run, stopped before the edit; what it will say is the reader's to draw. */
    ask(id) {
      const { figure } = this;
      this.asked = id;
      figure.change(told("3141"));
      figure.player.go(AT);
      this.words.value = "";
      this.predict(picture("3141"));
      figure.say(
        "What will it say in the next round? Type or draw it, then let it show you.",
        true,
      );
    }

    predict(values) {
      this.values = Float64Array.from(values);
      this.score.textContent = "";
      this.pad.draw(values);
      this.figure.views.forEach((view) => view.draw());
    }

    /** Something else goes on: there is nothing to compare. */
    forget() {
      this.values = null;
      this.score.textContent = "";
    }

    reveal() {
      const { figure } = this;
      if (!this.asked) return figure.say("Choose one of the three edits above first.", true);
      figure.change({ ...told("3141"), edits: this.asks[this.asked][1]() });
      figure.player.go(still() ? AT + S : AT, still());
      if (!still()) figure.player.play(AT + S, 8);
    }

    /** Whether an output is not as was predicted, once there is something to compare. */
    wrong(outputs) {
      if (!this.values || this.figure.t <= AT) return undefined;
      return (n) => n < outputs.length && !(outputs[n] * this.values[n] > 0);
    }

    /** How many bits are as predicted, in words; nothing before the edit. */
    compared() {
      const outputs = this.figure.views[0].run.outputs(this.figure.t).data;
      const wrong = this.wrong(outputs);
      if (!wrong) return "";
      const right = outputs.filter((_, n) => !wrong(n)).length;
      this.score.textContent = `${right} of ${outputs.length} bits as you predicted`;
      return this.score.textContent;
    }
  }

  return { Prediction };
})();
