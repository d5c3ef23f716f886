      0s    the run begins
      0s    call/ship/ask waits for one approval, for 1h at most
      0s    the run waits
      0s  > expect waiting approval call/ship
      0s  > approve call/ship as bob
      0s    bob approves call/ship/ask
      0s    call/ship/ask success approved_by=bob
      0s    call/ship/d begins
      0s    the run goes on
     20s    call/ship/d success deployment=dep_2 environment=dev release=v7 url=http://app.example.org
     20s    call/ship success
     20s    call success
     20s    after/s begins
     20s    after/s success
     20s    after success
     20s    the run succeeded
     20s  > expect job call outputs release=v7
     20s  > expect step after/s success
     20s  > expect run succeeded
