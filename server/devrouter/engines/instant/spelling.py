"""Common misspellings, each with the one word that it can only mean, and words that may take a capital.

No misspelling is itself a word, a keyword or a usual name: a table that is wrong once is worse than none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MISSPELLED = """
abscence=absence accesible=accessible accesss=access accomodate=accommodate accoring=according
accross=across acheive=achieve achive=achieve acording=according actualy=actually acutally=actually
addtional=additional adition=addition aditional=additional adress=address adresses=addresses agian=again
agressive=aggressive algorithim=algorithm algoritm=algorithm algorythm=algorithm aligment=alignment
allign=align allready=already alot=a~lot alwasy=always ammount=amount amoutn=amount analize=analyze
analyise=analyse annother=another anohter=another anwser=answer anwsers=answers apear=appear
aplication=application aplly=apply apparantly=apparently appearence=appearance appication=application
applciation=application applicaton=application appropiate=appropriate apropriate=appropriate arary=array
architecure=architecture arguement=argument arguements=arguments argumnet=argument arrary=array arrray=array
asign=assign asnyc=async assigment=assignment asynchonous=asynchronous asyncronous=asynchronous
atempt=attempt atribute=attribute attibute=attribute attribut=attribute autentication=authentication
authenication=authentication authentcation=authentication authentification=authentication
authoriztion=authorization automaticaly=automatically automaticly=automatically availabe=available
availible=available avalable=available avaliable=available avoide=avoid awnser=answer backgorund=background
backgroud=background bascially=basically basicly=basically beacuse=because becasue=because becouse=because
becuase=because becuse=because beetween=between befor=before beginer=beginner begining=beginning
behaviuor=behaviour behavoir=behavior behavour=behaviour beleive=believe benifit=benefit bettwen=between
betwen=between boundry=boundary broswer=browser brwoser=browser buton=button buttton=button
cacluate=calculate calback=callback calcualte=calculate calender=calendar caluclate=calculate
calulate=calculate caracter=character catagory=category catergory=category chagne=change chaneg=change
charachter=character charater=character childs=children chnage=change chnaged=changed chnages=changes
choosen=chosen chracter=character clasess=classes cloumn=column collum=column coloumn=column colum=column
columm=column colums=columns colunm=column comand=command comit=commit commad=command comming=coming
commited=committed commiting=committing commmand=command commment=comment comparision=comparison
compatability=compatibility compatable=compatible compiel=compile compleat=complete completly=completely
complie=compile compnent=component compnents=components compoent=component componant=component
componet=component comunication=communication concatanate=concatenate concatinate=concatenate
conditon=condition condtion=condition conect=connect conection=connection conenct=connect
configration=configuration configuartion=configuration configuation=configuration connecton=connection
connnection=connection conpoment=component consistant=consistent consol=console constrcutor=constructor
constuctor=constructor containes=contains contanier=container contet=content contian=contain
contianer=container contians=contains continous=continuous continously=continuously contorl=control
contraint=constraint controler=controller contructor=constructor convertion=conversion convet=convert
corect=correct corectly=correctly correclty=correctly correcly=correctly coud=could coudl=could
craete=create creat=create creats=creates cretae=create cuold=could curent=current curently=currently
currenlty=currently currenty=currently currnet=current cusotmer=customer dafault=default dashbaord=dashboard
dashbord=dashboard dataabse=database databaes=database databas=database databse=database datbase=database
datebase=database deafult=default decription=description defalut=default defien=define definately=definitely
definetly=definitely definiton=definition defintion=definition defualt=default deisgn=design
deleteing=deleting delte=delete depedencies=dependencies depedency=dependency dependancies=dependencies
dependancy=dependency dependecies=dependencies dependecy=dependency deploment=deployment
deploymnet=deployment depoly=deploy depricated=deprecated desciption=description descripion=description
desgin=design desicion=decision desing=design determin=determine developement=development develper=developer
develpment=development devloper=developer devlopment=development dictinary=dictionary dictionay=dictionary
dictonary=dictionary diference=difference diferent=different diffcult=difficult diffent=different
differents=different differnece=difference differnt=different diffrence=difference diffrent=different
dificult=difficult dipslay=display direcory=directory direcotry=directory directoy=directory
directroy=directory discription=description dispaly=display displya=display dissable=disable
dissapear=disappear dissapears=disappears dissappear=disappear dleete=delete docmentation=documentation
docuemnt=document documentaion=documentation documention=documentation documetation=documentation
doens't=doesn't doenst=doesn't doesen't=doesn't doesnot=does~not donwload=download dosen't=doesn't
dosent=doesn't downlaod=download duplciate=duplicate dupliacte=duplicate dynamicly=dynamically
eachother=each~other effecient=efficient efficency=efficiency efficent=efficient effiecient=efficient
elemet=element elemnt=element elemnts=elements elment=element embeded=embedded empyt=empty emtpy=empty
enviorment=environment enviornment=environment enviroment=environment environement=environment
environemnt=environment envrionment=environment eroor=error eror=error erorr=error erro=error errorr=error
erros=errors errror=error exaclty=exactly exactely=exactly examle=example examles=examples exampel=example
exapmle=example excatly=exactly excecute=execute excpetion=exception excute=execute excution=execution
execption=exception exectue=execute exectution=execution exemple=example exepcted=expected
exeption=exception exisiting=existing existance=existence existng=existing exlpain=explain exmaple=example
expained=explained expalin=explain expcted=expected expecation=expectation experiance=experience
expeted=expected explaination=explanation explantion=explanation explian=explain expresion=expression
exprot=export exsisting=existing exsiting=existing extenstion=extension extention=extension extrat=extract
faield=failed familar=familiar feild=field feilds=fields fial=fail fials=fails fidn=find finaly=finally
fnction=function followng=following follwing=following folowing=following fomat=format foramt=format
forat=format formated=formatted formating=formatting foward=forward framewrok=framework framwork=framework
freind=friend frequncy=frequency frist=first fromat=format frontent=frontend fucntion=function
fucntions=functions fuction=function funcion=function funciton=function funcitons=functions
functionallity=functionality functionaly=functionality functoin=function funtction=function funtion=function
funtionality=functionality funtions=functions futher=further garantee=guarantee gaurantee=guarantee
genarate=generate genearte=generate generete=generate genrate=generate gernerate=generate geting=getting
gettting=getting giveing=giving grammer=grammar gropu=group grpah=graph guarentee=guarantee halp=help
handel=handle handeling=handling handleing=handling hanlde=handle hanlder=handler hapening=happening
hapenning=happening hapens=happens happend=happened happends=happens happenning=happening havn't=haven't
heigth=height heirarchy=hierarchy helpfull=helpful hepl=help hieght=height hierachy=hierarchy hlep=help
howver=however hte=the htis=this identifer=identifier identifiy=identify imediately=immediately
immediatly=immediately impelment=implement implemenation=implementation implementaion=implementation
implemet=implement implemetation=implementation implemnt=implement impliment=implement implment=implement
implmentation=implementation imporve=improve improvment=improvement improvments=improvements imrpove=improve
incldue=include includ=include inclued=include incorect=incorrect incorrectely=incorrectly inculde=include
indentical=identical independant=independent indivdual=individual infomation=information
inforamtion=information informaton=information infromation=information inherantly=inherently inital=initial
initalize=initialize initilize=initialize inititalize=initialize inlcude=include insall=install
instace=instance instaed=instead insted=instead instructons=instructions intall=install intead=instead
intefrace=interface integeration=integration interace=interface interation=interaction interfce=interface
interger=integer intergrate=integrate intergration=integration internaly=internally intger=integer
intialize=initialize intrested=interested intresting=interesting invaild=invalid invlaid=invalid
isntall=install isseu=issue issuse=issues isue=issue iteself=itself itslef=itself ivalid=invalid jsut=just
juts=just knowlege=knowledge knwo=know konw=know langage=language langauge=language languge=language
lanuage=language legnth=length lengh=length lenght=length libaries=libraries libary=library librairy=library
libraray=library librarys=libraries libray=library liek=like liekly=likely liitle=little litle=little
lookng=looking maintainance=maintenance maintenence=maintenance makeing=making managment=management
mangement=management manualy=manually manully=manually mappping=mapping maximun=maximum mehtod=method
mehtods=methods memeory=memory memroy=memory mesage=message mesages=messages messege=message messgae=message
messsage=message methdo=method metod=method micorservice=microservice middlware=middleware miniumum=minimum
minumum=minimum mising=missing misisng=missing mispelled=misspelled missng=missing modfiy=modify
modifiy=modify modle=model moduel=module moudle=module mulitple=multiple multipe=multiple multipel=multiple
multple=multiple mutiple=multiple mutliple=multiple myslef=myself navagation=navigation navigaton=navigation
neccesary=necessary neccessary=necessary necesary=necessary necessery=necessary nedd=need neeed=need nto=not
nubmer=number numbe=number numbr=number numbres=numbers numebr=number numer=number obect=object
obejct=object objcet=object objecs=objects ocassion=occasion occured=occurred occurence=occurrence
occuring=occurring occurr=occur occurrance=occurrence ocurred=occurred offical=official ohter=other
ojbect=object olny=only oly=only ommit=omit onyl=only operaton=operation oppurtunity=opportunity
opreation=operation optimaze=optimize optimzie=optimize optiom=option optoin=option orderd=ordered
orginal=original origianl=original originaly=originally orignal=original otehr=other otherwsie=otherwise
otuput=output ouput=output outptu=output outpu=output outupt=output overide=override overriden=overridden
overwriten=overwritten overwritting=overwriting owrk=work pacakge=package pacakges=packages packge=package
pakcage=package paralel=parallel parallell=parallel paramater=parameter paramaters=parameters
parametr=parameter parametrs=parameters paramter=parameter paramters=parameters parmeter=parameter
parralel=parallel parrallel=parallel particluar=particular passowrd=password passward=password
passwrod=password pasword=password peformance=performance pelase=please perfomance=performance
performace=performance performence=performance permision=permission permisions=permissions
permisson=permission persistant=persistent phyton=Python pipelne=pipeline pipline=pipeline plaese=please
plase=please pleae=please pleaes=please plese=please pls=please plz=please poblem=problem poistion=position
porblem=problem porgram=program porject=project posibble=possible posible=possible positon=position
possble=possible postion=position preceed=precede prefered=preferred preformance=performance
prefrence=preference previos=previous previosly=previously previouse=previous previus=previous
privious=previous probabaly=probably probaly=probably probelm=problem probem=problem problme=problem
problmes=problems procces=process proccess=process proces=process procesing=processing processs=process
prodcution=production produciton=production proejct=project proeprties=properties proeprty=property
progam=program progamming=programming programatically=programmatically programing=programming
programm=program progrma=program projcet=project projet=project prolbem=problem propertys=properties
propery=property proprety=property proxmity=proximity purpuse=purpose puting=putting pyhthon=Python
pyhton=Python pythno=Python pythong=Python pyton=Python qeury=query quering=querying querry=query
quesiton=question questoin=question quetion=question queyr=query quikly=quickly qustion=question
qustions=questions raed=read reafctor=refactor realted=related realy=really reasearch=research
reccomend=recommend recieve=receive recieved=received reciever=receiver recieves=receives
recieving=receiving recive=receive recomend=recommend recomendation=recommendation recommand=recommend
recommed=recommend recrod=record recursivly=recursively recusion=recursion recusive=recursive
refacotr=refactor refactro=refactor refator=refactor referance=reference refere=refer refered=referred
referesh=refresh refering=referring refernce=reference refrence=reference relaese=release relase=release
relavant=relevant releated=related relevent=relevant repeatly=repeatedly reponse=response
reposiotry=repository repositroy=repository repositry=repository reposnse=response repsonse=response
reqest=request reqeust=request reqiure=require requirment=requirement requirments=requirements
requred=required requried=required requset=request requst=request resouce=resource resouces=resources
resourse=resource responce=response respone=response responsable=responsible respository=repository
resposne=response retreive=retrieve retreived=retrieved retrive=retrieve retriving=retrieving retrn=return
retrun=return retruns=returns retun=return retunr=return returing=returning returm=return reuqest=request
reutrn=return reutrns=returns revesre=reverse rewirte=rewrite rigth=right rihgt=right runing=running
runn=run runnig=running runnign=running satic=static scipt=script scirpt=script scritp=script scrpit=script
seach=search seperate=separate seperated=separated seperately=separately seperator=separator
sepereate=separate seprate=separate seprately=separately sequance=sequence serach=search serever=server
serivce=service serivces=services servcie=service servr=server severl=several sevice=service sevral=several
shold=should sholud=should shoud=should shoudl=should shoulf=should showes=shows shuold=should
similiar=similar simlar=similar simliar=similar simpel=simple simpl=simple simular=similar sinlge=single
sintax=syntax sitll=still soemthing=something softwear=software sofware=software soltuion=solution
solutoin=solution somehting=something someimes=sometimes somethign=something someting=something
somthing=something somtimes=sometimes sorce=source souce=source specfic=specific specifc=specific
specificaly=specifically specifiy=specify spesific=specific srcipt=script sring=string stablity=stability
standart=standard statemnt=statement statment=statement statments=statements statsu=status stil=still
stirng=string stirngs=strings storge=storage strcuture=structure strig=string strng=string
structre=structure strucutre=structure struture=structure sttaus=status stucture=structure stuture=structure
succes=success succesful=successful succesfully=successfully successfull=successful successfuly=successfully
sucess=success sucessful=successful sucessfully=successfully supoort=support suport=support suppport=support
suprise=surprise surpise=surprise swich=switch swtich=switch synatx=syntax syntx=syntax sysetm=system
systme=system sytax=syntax sytem=system tabel=table taht=that talbe=table tbale=table teh=the tehn=then
tehse=these tempalte=template templat=template templete=template temporay=temporary tempory=temporary
theese=these thier=their thign=thing thigns=things thne=then thorugh=through throgh=through throug=through
throught=through thsi=this thta=that tiem=time tihs=this timout=timeout todya=today togather=together
togehter=together tomorow=tomorrow toogle=toggle tranform=transform tranlate=translate transalte=translate
transfrom=transform translatoin=translation trasform=transform trasnlate=translate triing=trying
triyng=trying truely=truly tryed=tried tset=test tutoiral=tutorial tyring=trying udpate=update
udpated=updated uesr=user uesrs=users unexpcted=unexpected unexpeced=unexpected unfortunatley=unfortunately
unfortunatly=unfortunately unforunately=unfortunately upadte=update upadted=updated upate=update
updaet=update updat=update updte=update uplaod=upload upolad=upload useer=user usefull=useful useing=using
usign=using usingg=using usnig=using usre=user usres=users usualy=usually utlity=utility vairable=variable
vairables=variables valdiate=validate valeu=value validaiton=validation validaton=validation
validte=validate valie=value varaible=variable varaibles=variables variabel=variable variabl=variable
varialbe=variable varibale=variable varible=variable varibles=variables vaule=value vaules=values veiw=view
verfiy=verify verion=version verison=version versoin=version verticaly=vertically vesion=version
visable=visible vlaue=value vlaues=values vulnerabilty=vulnerability vunerable=vulnerable waht=what
wahts=what's watn=want wehn=when wehre=where wether=whether whcih=which wheere=where whehter=whether
wheter=whether whihc=which whne=when wich=which wiht=with wihtout=without wirte=write withing=within
withou=without withouth=without wnat=want woking=working wokr=work wokring=working woks=works
workign=working worng=wrong woud=would woudl=would wriet=write writeing=writing writen=written
writting=writing wrogn=wrong wrok=work wrokflow=workflow wroking=working wrtie=write wtih=with wuold=would
yeild=yield yoru=your youre=you're yuor=your
"""

_CONTRACTED = """
dont=don't doesnt=doesn't didnt=didn't isnt=isn't arent=aren't wasnt=wasn't werent=weren't cant=can't
couldnt=couldn't shouldnt=shouldn't wouldnt=wouldn't wont=won't hasnt=hasn't havent=haven't hadnt=hadn't
thats=that's whats=what's theres=there's heres=here's wheres=where's hows=how's whos=who's youve=you've
youll=you'll theyre=they're theyve=they've weve=we've im=I'm ive=I've itll=it'll thatll=that'll
wouldve=would've shouldve=should've couldve=could've
"""

_ORDINARY = """
about above actually add after again all also although always am an and any anyone are aren't as assume at
basically because before below both but by can can't change compare consider convert could couldn't create
currently debug delete describe design did didn't do document does doesn't don't during each either ensure
even every everything explain finally first fix follow for from generate get give given has have having he
hello help here hey hi how however i i'd i'll i'm i've if implement improve in including instead is isn't it
it's its just keep last let let's maybe more most move my need never next no not note nothing now of on once
one only optimize or our perhaps please prefer provide refactor remember remove rename replace review
rewrite right same second secondly see she should shouldn't show simplify since so some somehow someone
sometimes sorry still suggest sure tell thank thanks that that's the their them then there there's these
they they're thing think this those though three through to today translate try two under unless until
update us use using very wait want was we we've were what what's when whenever where which while who why
will with without won't wondering would wouldn't write yes yesterday yet you you're your
"""


def _read(table: str) -> dict[str, str]:
    pairs = (entry.split("=") for entry in table.split())
    return {wrong: right.replace("~", " ") for wrong, right in pairs}


SPELLING: Mapping[str, str] = _read(_MISSPELLED) | _read(_CONTRACTED)
"""Misspelled word in lower case to the word meant."""

ORDINARY_WORDS: frozenset[str] = frozenset(_ORDINARY.split())
"""Words that are no command, name or keyword at the start of a sentence, and may take a capital there."""
