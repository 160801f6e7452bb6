"""Loss and accuracy of a model on a task.

    encode         examples as token ids: prompt, answer, choices
    evaluate       held-out loss over answer tokens, and accuracy
    generation     greedy generation, and the final answer in a generated text
    largest_batch  batches of an evaluation: no more tokens at once than the largest training batch
    lm_eval_check  the same accuracy by lm-evaluation-harness itself

May import: no other folder of ``collectors``.
"""
