      0s    the run begins
      0s    work/long begins
      2m  > after 2m cancel as alice
      2m    alice cancels the run
      2m    work is to stop: the run was cancelled
      2m    work/long is told to stop: the run was cancelled
      2m    work/long cancelled
      2m    work/tidy begins
      3m  > expect after 1m step work/tidy running
      3m  > cancel as alice
      3m    alice cancels the run
      3m    the run cancelled
      3m  > expect run cancelled
      3m  > expect job work cancelled
      3m  > expect elapsed 3m
