"""Loss and accuracy of a model on a task.

    batch          batches of encoded examples: token ids, padded on the right
    chat           a chat as token ids by the model's own template, and which of them are learnt
    encode         examples as token ids: prompt, answer, choices
    evaluate       held-out loss over answer tokens, and accuracy
    generation     greedy generation, and the final answer in a generated text
    largest_batch  batches of an evaluation: no more tokens at once than the largest training batch
    lm_eval_check  the same accuracy by lm-evaluation-harness itself

May import: no other folder of ``collectors``.
"""
