// Steps that do nothing, each of them durable: what Restate's documentation calls a journaled action.
import * as restate from "@restatedev/restate-sdk";

// The SDK uses what node has from version 22 on.
Promise.withResolvers ??= () => {
  let resolve, reject;
  const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
};

const steps = restate.service({
  name: "steps",
  handlers: {
    run: async (ctx, count) => {
      for (let step = 0; step < count; step += 1) {
        await ctx.run(`step ${step}`, () => null);
      }
    },
  },
});

restate.serve({ services: [steps], port: Number(process.argv[2]) });
