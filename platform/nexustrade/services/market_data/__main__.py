from services.market_data.bootstrap import main

main()
