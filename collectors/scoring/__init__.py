"""Loss and accuracy of a model on a task.

    encode         Examples as token ids: a prompt, the answer that is learnt
    evaluate       Held-out loss over answer tokens, and accuracy: the whole answer, the likeliest choice
    generation     Greedy generation in batches, and the final answer in a generated solution
    lm_eval_check  The same accuracy by lm-evaluation-harness itself: a check of our prompts and scores

May import: no other folder of ``collectors``.
"""
