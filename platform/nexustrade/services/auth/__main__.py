from services.auth.bootstrap import main

if __name__ == "__main__":
    main()
